import { describe } from 'vitest'
import { holds } from './holds.ts'
import { sqliteSite } from './sites.ts'

describe('Nodes on one SQLite file', () => holds('sqlite', sqliteSite))
