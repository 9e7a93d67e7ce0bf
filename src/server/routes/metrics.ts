import type { ServerMetrics } from '../../monitoring/index.ts'
import type { Route } from '../route.ts'

export const metricsRoute = (metrics: ServerMetrics): Route => ({
  method: 'GET',
  path: '/metrics',
  operationId: 'metrics',
  summary: 'What Prometheus scrapes',
  permission: { operation: 'admin' },
  answer: { type: 'text/plain', schema: { type: 'string' } },
  async handle(_request, reply) {
    return await reply.type(metrics.contentType).send(await metrics.text())
  },
})
