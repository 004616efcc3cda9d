// AI API, Authentication: Error Handling
async function makeAPIRequest(endpoint, data) {
  try {
    const response = await fetch(`${process.env.BASE_URL}/v1/${endpoint}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${process.env.API_KEY}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(data),
    })

    if (!response.ok) {
      const error = await response.json()

      switch (response.status) {
        case 401:
          throw new Error('Invalid API key. Please check your credentials.')
        case 403:
          throw new Error('Access denied. Check your API key permissions.')
        case 429:
          throw new Error('Rate limit exceeded. Please try again later.')
        default:
          throw new Error(`API Error: ${error.error.message}`)
      }
    }

    return await response.json()
  } catch (error) {
    console.error('API request failed:', error.message)
    throw error
  }
}

try {
  console.log(JSON.stringify(await makeAPIRequest(process.env.ENDPOINT, { prompt: 'Hello, world!', model: 'gpt-4' })))
} catch {
  process.exitCode = 1
}
