export { type AiApiOptions, type AiApiPermission, type AiApiPlan, aiApi, aiApiErrors } from './ai-api.ts'
export { type BearerError, bearerChallenge } from './challenge.ts'
export type { ErrorAnswers } from './errors.ts'
export { type ProblemDetailsOptions, problemDetails, problemErrors } from './problem-details.ts'
export {
  type ViddyscribeFeature,
  type ViddyscribeOptions,
  type ViddyscribePlan,
  viddyscribe,
  viddyscribeErrors,
} from './viddyscribe.ts'
export { type ViesusOptions, viesus, viesusErrors } from './viesus.ts'
export { type ViralsyncOptions, type ViralsyncPlan, viralsync, viralsyncErrors, viralsyncJobs } from './viralsync.ts'
export { type VisualLayerOptions, visualLayer, visualLayerErrors } from './visual-layer.ts'
