import { LockstepError } from '../../../errors.ts'

/** Kafka's wire protocol: requests, answers, connections. Loaded when a Kafka log is opened, not before. */
export type Protocol = typeof import('@platformatic/kafka')

const packageName = '@platformatic/kafka'

/** Throws `EVENT_LOG_UNAVAILABLE` where the package is not installed. */
export async function loadProtocol(): Promise<Protocol> {
  try {
    return await import('@platformatic/kafka')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new LockstepError('EVENT_LOG_UNAVAILABLE', `The package ${packageName} is not installed`, {
      remedy: `Run npm install ${packageName}.`,
      cause,
    })
  }
}
