export { openStore } from './open-store.ts'
export { printableUrl } from './store-url.ts'
