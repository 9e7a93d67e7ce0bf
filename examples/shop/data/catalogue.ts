import { categories } from './assortment.ts'
import { type Random, WeightedChoice, zipfWeights } from './random.ts'
import { day, hour, type Span, second } from './span.ts'
import type { Sink } from './staging.ts'

export interface Item {
  readonly category: number
  /** 0 to 1: good items sell and please, others come back. */
  readonly quality: number
  readonly listedAt: number
  /** The price in cents from each moment on; the oldest first. */
  readonly prices: readonly { readonly from: number; readonly cents: number }[]
}

/** The items, the rows of their prices, and how visitors come across them. */
export class Catalogue {
  readonly items: readonly Item[]
  /** Items of each category, the most popular first; that one is listed before the span begins. */
  readonly #shelves: readonly number[][]
  readonly #popularity: readonly WeightedChoice[]

  constructor(random: Random, count: number, span: Span, sink: Sink) {
    const shelves: number[][] = categories.map(() => [])
    this.items = Array.from({ length: count }, (_, item) => {
      const first = item < categories.length
      const category = first ? item : random.below(categories.length)
      shelves[category]?.push(item)
      return createItem(random, item, category, first, span, sink)
    })
    this.#shelves = shelves
    this.#popularity = shelves.map((shelf) => new WeightedChoice(zipfWeights(shelf.length, 4)))
  }

  item(item: number): Item {
    return this.items[item] as Item
  }

  /** The price in cents at a moment. */
  priceAt(item: number, at: number): number {
    const { prices } = this.item(item)
    return (prices.findLast((price) => price.from <= at) ?? prices[0])?.cents as number
  }

  /** An item of a category that is listed at a moment: often a popular one, at times one of the three promoted this week. */
  discover(random: Random, category: number, at: number): number {
    const shelf = this.#shelves[category] as number[]
    for (let attempt = 0; attempt < 8; attempt++) {
      const place = random.chance(0.2)
        ? (Math.floor(at / (7 * day)) * 7 + category + random.below(3) * 5) % shelf.length
        : (this.#popularity[category] as WeightedChoice).pick(random)
      const item = shelf[place] as number
      if (this.item(item).listedAt <= at) return item
    }
    return shelf[0] as number
  }
}

function createItem(random: Random, item_id: number, category: number, old: boolean, span: Span, sink: Sink): Item {
  const { lowest, usual } = categories[category] as (typeof categories)[number]
  const listedAt = old || random.chance(0.85) ? span.from - random.below(2 * 365 * day) - 1 : random.between(span.from, span.to - 1)
  const prices: { from: number; cents: number }[] = []

  const record = (from: number, cents: number, created: number) => {
    sink.write('items', { item_id, category, price: cents, listed_at: listedAt, at: from, created }, created)
  }
  const setPrice = (from: number, cents: number) => {
    // Half of the changes are planned ahead; of the others some become known late.
    const known = random.chance(0.5) ? -random.below(2 * day) : random.below(random.chance(0.1) ? 6 * hour : 5 * second)
    const created = from + known
    if (random.chance(0.01)) record(from, cents * 10, created - hour) // a slip of the decimal point, put right an hour later
    record(from, cents, created)
    prices.push({ from, cents })
  }

  let regular = endingIn90(lowest + random.heavyTail(usual - lowest, usual * 8))
  setPrice(listedAt, regular)
  let onSale = false
  let at = Math.max(listedAt, span.from - 60 * day)
  for (;;) {
    at += (onSale ? random.between(3, 10) : random.between(10, 90)) * day
    at -= at % hour
    if (at >= span.to) break
    onSale = !onSale && random.chance(0.6)
    if (!onSale) regular = endingIn90(Math.floor((regular * random.between(92, 112)) / 100))
    setPrice(at, onSale ? Math.floor((regular * random.between(60, 95)) / 100) : regular)
  }
  return { category, quality: random.unit(), listedAt, prices }
}

const endingIn90 = (cents: number) => Math.max(90, cents - (cents % 100) - 10)
