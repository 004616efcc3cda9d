# ViddyScribe Enterprise, Authentication: Making Authenticated Requests, cURL
curl -X GET $BASE_URL/enterprise/api/get_results?job_id=task_123 \
  -H "X-API-Key: $VIDDYSCRIBE_API_KEY"
