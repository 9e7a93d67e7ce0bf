import { checkTopic } from './check.ts'
import type { EventLog } from './log.ts'

/**
 * A log in which the names of all topics, and of the groups of their readers, begin with a prefix: so several may share the brokers of
 * one without meeting.
 */
export function prefixedLog(log: EventLog, prefix: string): EventLog {
  const { erase, truncate } = log
  const named = (topic: string): string => {
    checkTopic(topic)
    return prefix + topic
  }
  return {
    name: log.name,
    capabilities: log.capabilities,
    createTopic: async (topic, partitions) => await log.createTopic(named(topic), partitions),
    topics: async () => (await log.topics()).flatMap((topic) => (topic.startsWith(prefix) ? [topic.slice(prefix.length)] : [])),
    partitions: async (topic) => await log.partitions(named(topic)),
    append: async (topic, records) => await log.append(named(topic), records),
    consume: async (topic, options) => await log.consume(named(topic), { ...options, group: prefix + options.group }),
    offsets: async (topic) => await log.offsets(named(topic)),
    ...(erase ? { erase: async (topic, test, dryRun) => await erase.call(log, named(topic), test, dryRun) } : {}),
    ...(truncate ? { truncate: async (topic, before) => await truncate.call(log, named(topic), before) } : {}),
    close: async () => await log.close(),
  }
}
