/** The older majors that the adapters support as well, installed under a name of their own; typed as the newer ones. */
declare module 'express-4' {
  export { default } from 'express'
}

declare module 'koa-2' {
  export { default } from 'koa'
}
