# ViralSync, Authentication: Environment variable best practice, shell usage
curl -H "x-api-key: $VIRALSYNC_API_KEY" \
$BASE_URL/v1/render/jobs \
-d @payload.json
