# Visual Layer Cloud, Authentication: Step 3, Test Using curl
curl -H "Authorization: Bearer $JWT_TOKEN" \
  $BASE_URL/api/v1/dataset/$DATASET_ID
