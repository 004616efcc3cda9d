// AI API, Authentication: Using Environment Variables in Code, JavaScript
const apiKey = process.env.API_KEY

const response = await fetch(`${process.env.BASE_URL}/v1/generate`, {
  method: 'POST',
  headers: {
    Authorization: `Bearer ${apiKey}`,
    'Content-Type': 'application/json',
  },
  body: JSON.stringify({
    prompt: 'Hello, world!',
    model: 'gpt-4',
  }),
})

console.log(response.status, await response.text())
