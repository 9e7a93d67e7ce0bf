import { type Catalogue, type FeatureView, OnDemand, type Selection } from '../definition/index.ts'
import { columnsOf } from './columns-of.ts'
import { columnId, featureId } from './lineage.ts'

export type FoundKind = 'feature' | 'group' | 'onDemand' | 'view' | 'source' | 'column' | 'entity'
export const foundKinds: readonly FoundKind[] = ['feature', 'group', 'onDemand', 'view', 'source', 'column', 'entity']

/** A thing of a catalogue, as a search gives it. */
export interface Found {
  readonly kind: FoundKind
  /** `user_orders@1.user_order_count_7d`, `view:ranking@1`, `source:orders.total`. */
  readonly id: string
  readonly name: string
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]
}

export interface SearchResult extends Found {
  /** The higher, the better; comparable within one search. */
  readonly score: number
}

export interface SearchOptions {
  readonly kind?: FoundKind | undefined
  /** At most so many; 20 by default. */
  readonly limit?: number
  /** Only what this lets through. */
  readonly only?: (found: Found) => boolean
}

/** How much a word counts in each part of a thing. */
const weights = { name: 8, tags: 4, owner: 3, description: 2, about: 1 } as const
/** How much a word counts that is not the one asked for, but begins with it, or is one slip away from it. */
const likeness = { same: 1, prefix: 0.4, slip: 0.2 } as const
/** Words this short have too many others one slip away. */
const shortest = 4

interface Posting {
  readonly place: number
  readonly weight: number
}

/** An inverted index of the names, descriptions, tags, owners and columns of a catalogue, ranked as BM25 does with a weight for each part. */
export class CatalogueSearch {
  readonly #things: Found[] = []
  readonly #lengths: number[] = []
  readonly #words = new Map<string, Posting[]>()
  readonly #sorted: readonly string[]
  readonly #averageLength: number

  constructor({ sources, entities, groups, onDemand, views }: Catalogue) {
    for (const { name, description, owner, tags, columns, kind } of sources) {
      this.#add({ kind: 'source', id: `source:${name}`, name, description, owner, tags }, [kind, ...Object.keys(columns)])
      for (const column of Object.keys(columns))
        this.#add({ kind: 'column', id: columnId(name, column), name: column, description: '', owner, tags: [] }, [name])
    }
    for (const { name, description, keys } of entities)
      this.#add({ kind: 'entity', id: `entity:${name}`, name, description, owner: '', tags: [] }, Object.keys(keys))
    for (const group of groups) {
      const { name, version, description, owner, tags, source, entity } = group
      this.#add({ kind: 'group', id: `${name}@${version}`, name, description, owner, tags }, [source.name, entity.name])
      for (const [feature, node] of Object.entries(group.features)) {
        const about = [name, entity.name, source.name, ...columnsOf(node).keys()]
        this.#add(
          { kind: 'feature', id: featureId(group, feature), name: feature, description: group.descriptions[feature] ?? '', owner, tags },
          about,
        )
      }
    }
    for (const one of onDemand) {
      const { name, version, description, owner, tags } = one
      this.#add({ kind: 'onDemand', id: `${name}@${version}`, name, description, owner, tags }, [
        ...Object.keys(one.request),
        ...namesOf(one.from),
      ])
      for (const feature of Object.keys(one.features))
        this.#add({ kind: 'feature', id: featureId(one, feature), name: feature, description: '', owner, tags }, [name])
    }
    for (const { name, version, description, owner, tags, items, keys } of views)
      this.#add({ kind: 'view', id: `view:${name}@${version}`, name, description, owner, tags }, [...Object.keys(keys), ...namesOf(items)])
    this.#sorted = [...this.#words.keys()].sort()
    this.#averageLength = this.#lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, this.#lengths.length)
  }

  /**
   * The things that words of a text are found in, the best first: those that more of the words are found in, then those where they are
   * rarer and stand in more telling places. Words count as they are, as the beginning of others, and with one slip of a letter.
   */
  search(text: string, { kind, limit = 20, only = () => true }: SearchOptions = {}): SearchResult[] {
    const asked = [...new Set(wordsOf(text))]
    const scores = new Map<number, { words: number; score: number }>()
    for (const word of asked) {
      const best = new Map<number, number>()
      for (const [known, like] of this.#alike(word)) {
        const postings = this.#words.get(known) as readonly Posting[]
        const rarity = Math.log(1 + (this.#things.length - postings.length + 0.5) / (postings.length + 0.5))
        for (const { place, weight } of postings) {
          if (kind !== undefined && this.#things[place]?.kind !== kind) continue
          // BM25 with k1 = 1.2 and b = 0.3: things are short, and a long name says more, not less.
          const saturated = (weight * 2.2) / (weight + 1.2 * (0.7 + (0.3 * (this.#lengths[place] as number)) / this.#averageLength))
          best.set(place, Math.max(best.get(place) ?? 0, like * rarity * saturated))
        }
      }
      for (const [place, score] of best) {
        const known = scores.get(place) ?? { words: 0, score: 0 }
        scores.set(place, { words: known.words + 1, score: known.score + score })
      }
    }
    const wanted = [...scores].filter(([place]) => only(this.#things[place] as Found))
    const ranked = wanted.map(([place, { words, score }]) => ({ place, score: words * 1000 + score }))
    ranked.sort((a, b) => b.score - a.score || a.place - b.place)
    return ranked.slice(0, limit).map(({ place, score }) => ({ ...(this.#things[place] as Found), score }))
  }

  #add(thing: Found, about: readonly string[]): void {
    const place = this.#things.push(thing) - 1
    const found = new Map<string, number>()
    const count = (texts: readonly string[], weight: number) => {
      for (const text of texts) for (const word of wordsOf(text)) found.set(word, (found.get(word) ?? 0) + weight)
    }
    count([thing.name], weights.name)
    // Parts have the tags and the owner of the whole, which should be found first by them.
    const isPart = thing.kind === 'feature' || thing.kind === 'column'
    count(thing.tags, isPart ? weights.about : weights.tags)
    count([thing.owner], isPart ? weights.about : weights.owner)
    count([thing.description], weights.description)
    count(about, weights.about)
    this.#lengths.push([...found.values()].reduce((sum, weight) => sum + weight, 0))
    for (const [word, weight] of found) {
      const postings = this.#words.get(word)
      if (postings) postings.push({ place, weight })
      else this.#words.set(word, [{ place, weight }])
    }
  }

  /** Words of the index that may be meant by one. */
  #alike(word: string): Map<string, number> {
    const found = new Map<string, number>()
    for (let at = lowerBound(this.#sorted, word); at < this.#sorted.length; at++) {
      const known = this.#sorted[at] as string
      if (!known.startsWith(word)) break
      found.set(known, known === word ? likeness.same : likeness.prefix)
    }
    if (word.length < shortest) return found
    for (const known of this.#sorted) if (!found.has(known) && isOneSlipAway(word, known)) found.set(known, likeness.slip)
    return found
  }
}

const namesOf = (items: FeatureView['items']): string[] =>
  items.flatMap((item: Selection | OnDemand) => [item instanceof OnDemand ? item.name : item.group.name, ...Object.keys(item.features)])

/** The words of a text, in small letters; names are cut at their underscores and capitals. */
export function wordsOf(text: string): string[] {
  return text
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

function lowerBound(sorted: readonly string[], word: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as string) < word) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether one letter more, less, other or exchanged with the next makes one word of the other. */
function isOneSlipAway(one: string, other: string): boolean {
  const difference = one.length - other.length
  if (difference > 1 || difference < -1) return false
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  if (difference === 0) {
    if (one.slice(at + 1) === other.slice(at + 1)) return true
    return one[at] === other[at + 1] && one[at + 1] === other[at] && one.slice(at + 2) === other.slice(at + 2)
  }
  return difference > 0 ? one.slice(at + 1) === other.slice(at) : one.slice(at) === other.slice(at + 1)
}
