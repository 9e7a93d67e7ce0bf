import { type FeatureGroupData, groupHash, type SourceData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { type EventGroupPlan, isStreamed, planGroup } from '../plan/index.ts'
import { onlineTable } from '../serving/index.ts'
import { type Feed, feedsOf } from './feeds.ts'
import type { Filled } from './fill.ts'

/** A group that takes part, and the feed that its keys need. */
export interface LiveMember {
  readonly plan: EventGroupPlan
  feed: Feed
  /** Where its units begin, once it is filled. */
  filled: Filled | null
}

/** The groups that a worker keeps up to date, with what they are read from. */
export class LiveMembers {
  all: readonly LiveMember[] = []
  feeds: readonly Feed[] = []
  sources: ReadonlyMap<string, SourceData> = new Map()

  constructor(groups: readonly FeatureGroupData[]) {
    this.set(groups)
  }

  /** Members that are as they were stay the same ones. */
  set(groups: readonly FeatureGroupData[]): void {
    const streamed = groups.filter(isStreamed)
    const known = new Map(this.all.map((member) => [formOf(member), member]))
    this.feeds = feedsOf(streamed)
    this.sources = new Map(streamed.map(({ source }) => [source.name, source]))
    this.all = this.feeds.flatMap((feed) =>
      feed.groups.map((group): LiveMember => {
        const member = { plan: planGroup(group) as EventGroupPlan, feed, filled: null }
        return Object.assign(known.get(formOf(member)) ?? member, { feed })
      }),
    )
  }

  get waiting(): readonly LiveMember[] {
    return this.all.filter(({ filled }) => filled === null)
  }

  feed(topic: string): Feed | undefined {
    return this.feeds.find((feed) => feed.topic === topic)
  }

  of(topic: string): readonly LiveMember[] {
    return this.all.filter(({ feed }) => feed.topic === topic)
  }

  /** The internal topics that are filled from a topic of a source. */
  routedFrom({ topic, stream, source }: Feed): readonly Feed[] {
    return topic === stream.topic ? this.feeds.filter((feed) => feed.source === source && feed.topic !== topic) : []
  }

  /** Equal where the units of a feed are the same ones. */
  unitsOf(feed: Feed): string {
    const filled = this.of(feed.topic).flatMap((member) => (member.filled ? [formOf(member)] : []))
    return JSON.stringify([this.routedFrom(feed).map(({ topic }) => topic), filled])
  }
}

/** Equal where events are decoded in the same way. */
export const sourceForm = ({ history: _, ...source }: SourceData): string => canonicalJson(source)

const formOf = ({ plan: { group } }: Pick<LiveMember, 'plan'>): string =>
  `${onlineTable(group)} ${groupHash(group)} ${sourceForm(group.source)}`
