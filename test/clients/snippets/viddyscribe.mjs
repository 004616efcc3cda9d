// ViddyScribe Enterprise, Authentication: Making Authenticated Requests, JavaScript
const response = await fetch(`${process.env.BASE_URL}/enterprise/api/get_results?job_id=task_123`, {
  headers: {
    'X-API-Key': process.env.VIDDYSCRIBE_API_KEY,
  },
})

console.log(response.status, await response.text())
