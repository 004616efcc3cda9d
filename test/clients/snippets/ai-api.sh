# AI API, Authentication: Example Requests, curl
curl -X POST $BASE_URL/v1/generate \
  -H "Authorization: Bearer $API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "prompt": "Hello, world!",
    "model": "gpt-4"
  }'
