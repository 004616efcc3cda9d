import { describeWith } from '../requirements.ts'
import { NODES } from './fleet.ts'
import { holds } from './holds.ts'
import { postgresSite } from './sites.ts'

describeWith('postgres', 'Nodes on one Postgres server', (found) => {
  holds('postgres', (options) => postgresSite(found, NODES, options))
})
