# ViralSync, Authentication: Verify your key
curl -s -H "x-api-key: $VIRALSYNC_API_KEY" \
$BASE_URL/v1/me
