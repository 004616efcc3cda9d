# VIESUS Cloud, Authentication: Examples, Python (`gql`); the query is that of Verifying your key
import json
import os
import sys

from gql import gql, Client
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

transport = RequestsHTTPTransport(
    url=f"{os.environ['BASE_URL']}/graphql",
    headers={'x-api-key': os.environ.get('VIESUS_API_KEY')},
)
client = Client(transport=transport, fetch_schema_from_transport=True)

query = gql("""
query {
  credits {
    remainingCreditsThisPeriod
    usedCreditsThisPeriod
    periodStart
    periodEnd
  }
}
""")

try:
    print(json.dumps(client.execute(query), separators=(',', ':')))
except TransportQueryError as error:
    print('TransportQueryError', json.dumps(error.errors, separators=(',', ':')))
    sys.exit(1)
