/**
 * Types `req.auth` everywhere in the program. An import of its own, because other packages (`express-jwt` among them)
 * declare the same property; `principalOf` needs none.
 */
import type { Everyone, Principal } from '@latchkey/core'

declare global {
  namespace Express {
    interface Request {
      readonly auth?: Principal | Everyone
    }
  }
}
