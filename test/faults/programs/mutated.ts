/** Loads modules as they are in other files: `LATCHKEY_MUTATED`, pairs of URL and path as JSON. To be imported first. */
import { register } from 'node:module'

register(new URL('mutated-hooks.js', import.meta.url), { data: process.env.LATCHKEY_MUTATED })
