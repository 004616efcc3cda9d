# VIESUS Cloud, Authentication: Examples, curl
curl -X POST $BASE_URL/graphql \
  -H "Content-Type: application/json" \
  -H "x-api-key: $VIESUS_API_KEY" \
  -d '{"query": "query { credits { remainingCreditsThisPeriod } }"}'
