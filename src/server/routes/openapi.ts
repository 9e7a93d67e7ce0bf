import type { Route } from '../route.ts'

/** The document describes this route as well, so it is given when all are known; whether tokens are asked for may change any time. */
export const openApiRoute = (document: () => object): Route => ({
  method: 'GET',
  path: '/openapi.json',
  operationId: 'openApi',
  summary: 'This document',
  permission: null,
  answer: { schema: { type: 'object' } },
  handle: () => document(),
})
