# ViralSync, Authentication: Using your API key
curl -H "x-api-key: $VIRALSYNC_API_KEY" \
$BASE_URL/v1/me
