# AI API, Authentication: Using Environment Variables in Code, Python
import os
import requests

api_key = os.environ.get('API_KEY')

response = requests.post(
    f"{os.environ['BASE_URL']}/v1/generate",
    headers={
        'Authorization': f'Bearer {api_key}',
        'Content-Type': 'application/json'
    },
    json={
        'prompt': 'Hello, world!',
        'model': 'gpt-4'
    }
)

print(response.status_code, response.text)
