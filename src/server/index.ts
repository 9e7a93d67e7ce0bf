export { RateLimit } from './access/rate-limit.ts'
export type { Operation } from './access/scope.ts'
export { type NewToken, type Token, TokenFile, tokensPath } from './access/tokens.ts'
