# ViralSync, Authentication: Method 2, Authorization: Bearer header
curl -H "Authorization: Bearer $VIRALSYNC_API_KEY" \
$BASE_URL/v1/me
