// VIESUS Cloud, Authentication: Examples, Node.js (`graphql-request`); the query is that of Verifying your key
const { ClientError, GraphQLClient } = await import(process.argv[2] ?? 'graphql-request')

const client = new GraphQLClient(`${process.env.BASE_URL}/graphql`, {
  headers: {
    'x-api-key': process.env.VIESUS_API_KEY,
  },
})

const credits = `query {
  credits {
    remainingCreditsThisPeriod
    usedCreditsThisPeriod
    periodStart
    periodEnd
  }
}`

try {
  console.log(JSON.stringify(await client.request(process.env.QUERY ?? credits)))
} catch (error) {
  if (!(error instanceof ClientError)) throw error
  console.log('ClientError', error.response.status, JSON.stringify(error.response.errors))
  process.exitCode = 1
}
