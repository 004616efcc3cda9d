import { describeWith } from '../requirements.ts'
import { NODES } from './fleet.ts'
import { holds } from './holds.ts'
import { redisSite } from './sites.ts'

describeWith('redis', 'Nodes on one Redis server', (found) => {
  holds('redis', (options) => redisSite(found, NODES, options))
})
