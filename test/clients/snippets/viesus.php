<?php
// VIESUS Cloud, Authentication: Examples, PHP (`GuzzleHttp`); the query is that of Verifying your key
require 'GuzzleHttp/autoload.php';

$client = new \GuzzleHttp\Client([
    'base_uri' => getenv('BASE_URL') . '/graphql',
    'headers' => [
        'x-api-key' => getenv('VIESUS_API_KEY'),
        'Content-Type' => 'application/json',
    ],
]);

$query = 'query { credits { remainingCreditsThisPeriod usedCreditsThisPeriod periodStart periodEnd } }';
$response = $client->post('', ['body' => json_encode(['query' => $query])]);

echo $response->getStatusCode(), ' ', $response->getBody(), "\n";
