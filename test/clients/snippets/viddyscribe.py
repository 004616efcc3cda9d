# ViddyScribe Enterprise, Authentication: Making Authenticated Requests, Python
import os
import requests

headers = {
    "X-API-Key": os.environ.get("VIDDYSCRIBE_API_KEY")
}

response = requests.get(
    f"{os.environ['BASE_URL']}/enterprise/api/get_results",
    headers=headers,
    params={"job_id": "task_123"}
)

print(response.status_code, response.text)
