# Visual Layer Cloud, Authentication: Step 3, Test Using Python
import os
import requests

# Your generated JWT token
jwt_token = os.environ.get("JWT_TOKEN")

# One of your dataset IDs (you can find this in the URL when viewing a dataset)
dataset_id = os.environ["DATASET_ID"]

# Make the API request
url = f"{os.environ['BASE_URL']}/api/v1/dataset/{dataset_id}"
headers = {"Authorization": f"Bearer {jwt_token}"}

response = requests.get(url, headers=headers)

# Check the response
if response.status_code == 200:
    dataset_info = response.json()
    print(f"✓ Success! Dataset: {dataset_info['display_name']}")
    print(f"  Status: {dataset_info['status']}")
    print(f"  Progress: {dataset_info['progress']}%")
elif response.status_code == 401:
    print("✗ Authentication failed - check your JWT token")
elif response.status_code == 404:
    print("✗ Dataset not found - check your dataset ID")
else:
    print(f"✗ Error: {response.status_code} - {response.text}")
