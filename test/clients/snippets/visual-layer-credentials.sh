# Visual Layer Cloud, Authentication: Step 1, Get Your API Key and Secret
curl -b SESSION=$SESSION $BASE_URL/api/v1/api_credentials
