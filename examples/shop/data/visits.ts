import { categories, queriesOfCategory } from './assortment.ts'
import type { Catalogue } from './catalogue.ts'
import type { Delivery } from './delivery.ts'
import type { Impressions } from './impressions.ts'
import { homeAt, type Person, visitorChoice } from './people.ts'
import { type Random, WeightedChoice } from './random.ts'
import { day, hour, minute, type Span, second } from './span.ts'
import { cartKinds, orderKinds } from './tables.ts'

const added = cartKinds.indexOf('added')
const removed = cartKinds.indexOf('removed')
const purchased = orderKinds.indexOf('purchased')
const returned = orderKinds.indexOf('returned')

/** How busy the shop is in each hour of the visitor's day, and on each day of the week from Sunday. */
const hours = new WeightedChoice([2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 13, 12, 11, 11, 12, 13, 15, 18, 20, 18, 12, 6])
const weekdays = [13, 10, 9, 10, 10, 11, 12] as const

/** What a visit leaves behind on average, everything counted; measured, and kept true by the test. */
export const eventsPerVisit = 10.2

/**
 * People visit, search, look at items, put some into the cart, buy, and later rate them or send them back.
 * What they do depends on their taste, their means, the price of the moment and what they did before,
 * so that features have something to tell.
 */
export class Visits {
  readonly #random: Random
  readonly #span: Span
  readonly #people: readonly Person[]
  readonly #catalogue: Catalogue
  readonly #delivery: Delivery
  readonly #impressions: Impressions
  readonly #visitors: WeightedChoice
  /** When each person's latest visit ended: nobody visits twice at once. */
  readonly #busyUntil: Float64Array
  readonly #carts = new Map<number, Set<number>>()
  readonly #purchases = new Map<number, number[]>()
  #events = 0
  #orders = 0
  corrections = 0

  constructor(random: Random, span: Span, people: readonly Person[], catalogue: Catalogue, delivery: Delivery, impressions: Impressions) {
    this.#random = random
    this.#span = span
    this.#people = people
    this.#catalogue = catalogue
    this.#delivery = delivery
    this.#impressions = impressions
    this.#visitors = visitorChoice(random, people.length)
    this.#busyUntil = new Float64Array(people.length)
  }

  /** Moments of purchase, in milliseconds. */
  readonly purchasesOf = (user: number, item: number): readonly number[] => this.#purchases.get(this.#pair(user, item)) ?? []

  #pair(user: number, item: number): number {
    return user * this.#catalogue.items.length + item
  }

  /** Lets `count` visits happen, spread over the span; yields the share that is done after each day. */
  *happen(count: number): Generator<number> {
    const { from, to } = this.#span
    const days = (to - from) / day
    const weights = Array.from({ length: days }, (_, index) => {
      const weekday = weekdays[new Date(from + index * day).getUTCDay()] as number
      return weekday * (1 + (0.3 * index) / days)
    })
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    let reached = 0
    let started = 0
    for (const [index, weight] of weights.entries()) {
      reached += weight
      const visits = Array.from({ length: Math.round((count * reached) / total) - started }, () => this.#plan(from + index * day))
      started += visits.length
      visits.sort((one, other) => one.at - other.at || one.user - other.user)
      for (const { user, at } of visits) this.#visit(user, at)
      yield (index + 1) / days
    }
  }

  #plan(dayStart: number): { user: number; at: number } {
    const random = this.#random
    for (;;) {
      const user = this.#visitors.pick(random)
      const { offset } = homeAt(this.#person(user), dayStart)
      const at = dayStart + ((hours.pick(random) - offset + 24) % 24) * hour + random.below(hour)
      if (at >= this.#person(user).signedUp) return { user, at }
    }
  }

  #person(user: number): Person {
    return this.#people[user] as Person
  }

  #visit(user: number, start: number): void {
    const random = this.#random
    const person = this.#person(user)
    const cart = this.#carts.get(user) ?? new Set<number>()
    this.#carts.set(user, cart)
    const looked = new Set<number>()
    let category = this.#mood(person)
    let wanted = random.chance(0.4) ? [...cart].at(-1) : undefined
    let now = Math.max(start, (this.#busyUntil[user] as number) + minute)
    if (random.chance(0.45)) now = this.#search(user, category, now)

    const clicks = 1 + random.heavyTail(3, 30)
    for (let click = 0; click < clicks; click++) {
      now += second + random.heavyTail(15 * second, 10 * minute)
      if (wanted === undefined && random.chance(0.08)) {
        category = this.#mood(person)
        if (random.chance(0.6)) now = this.#search(user, category, now)
      }
      if (now >= this.#span.to) break
      const item = wanted !== undefined && random.chance(0.4) ? wanted : this.#catalogue.discover(random, category, now)
      this.#click(user, item, now)
      this.#show(user, item, category, now, click)

      const appeal = this.#appeal(person, item, now)
      if (random.chance(0.3 * appeal)) wanted = item
      if (!cart.has(item) && random.chance(appeal * (looked.has(item) ? 0.4 : 0.08))) {
        now += random.chance(0.2) ? 0 : random.below(20 * second)
        this.#changeCart(user, cart, item, added, now)
      } else if (cart.size > 0 && random.chance(0.06)) {
        now += random.below(10 * second)
        this.#changeCart(user, cart, random.pick([...cart]), removed, now)
      }
      looked.add(item)
    }
    if (cart.size > 0 && random.chance(0.6 * person.eagerness)) {
      now += 20 * second + random.heavyTail(minute, 20 * minute)
      this.#checkOut(user, cart, now)
    }
    this.#busyUntil[user] = now
  }

  #mood(person: Person): number {
    return this.#random.chance(0.75) ? this.#random.pick(person.favourites) : this.#random.below(categories.length)
  }

  /** 0 to about 1.5. */
  #appeal(person: Person, item: number, at: number): number {
    const price = this.#catalogue.priceAt(item, at)
    return (0.3 + 0.7 * this.#catalogue.item(item).quality) * Math.min(1, person.budget / price) * person.eagerness
  }

  #search(user: number, category: number, at: number): number {
    if (at < this.#span.to) {
      const query = category * queriesOfCategory + this.#random.below(queriesOfCategory)
      this.#delivery.send('searches', { event_id: this.#events++, user_id: user, query, at, ingested_at: this.#delivery.ingestedAt(at) })
    }
    return at + this.#random.below(8 * second)
  }

  /** Some clicks come twice in the same millisecond, as two events. */
  #click(user: number, item: number, at: number): void {
    const { category } = this.#catalogue.item(item)
    for (let times = this.#random.chance(0.02) ? 2 : 1; times > 0; times--) {
      const ingested_at = this.#delivery.ingestedAt(at)
      this.#delivery.send('clicks', { event_id: this.#events++, user_id: user, item_id: item, category, at, ingested_at })
    }
  }

  /** The item was shown before it was clicked, and others beside it were not clicked. A label needs the day that follows. */
  #show(user: number, item: number, category: number, at: number, click: number): void {
    if (at + day > this.#span.to) return
    this.#impressions.offer(user, item, at, 1 + (click % 10))
    this.#impressions.offer(user, this.#catalogue.discover(this.#random, category, at), at, 2 + (click % 10))
  }

  #changeCart(user: number, cart: Set<number>, item: number, kind: number, at: number): void {
    if (at >= this.#span.to) return
    if (kind === added) cart.add(item)
    else cart.delete(item)
    const ingested_at = this.#delivery.ingestedAt(at)
    this.#delivery.send('carts', { event_id: this.#events++, user_id: user, item_id: item, kind, at, ingested_at })
  }

  /** All lines of an order happen in the same millisecond, and the cart is emptied in it. */
  #checkOut(user: number, cart: Set<number>, at: number): void {
    if (at >= this.#span.to) return
    const random = this.#random
    const order = this.#orders++
    for (const item of [...cart]) {
      const quantity = random.chance(0.85) ? 1 : random.between(2, 4)
      const total = this.#catalogue.priceAt(item, at) * quantity
      this.#sendOrderLine(order, user, item, purchased, total, at)
      this.#changeCart(user, cart, item, removed, at)
      const moments = this.#purchases.get(this.#pair(user, item))
      if (moments) moments.push(at)
      else this.#purchases.set(this.#pair(user, item), [at])
      this.#followUp(order, user, item, total, at)
    }
  }

  /** A return bears the id of the order that it undoes. Good items are rated well, and what is sent back is not. */
  #followUp(order: number, user: number, item: number, total: number, boughtAt: number): void {
    const random = this.#random
    const { quality } = this.#catalogue.item(item)
    const sendsBack = random.chance(this.#person(user).fussiness + 0.12 * (1 - quality))
    const returnedAt = boughtAt + random.between(2 * day, 25 * day)
    if (sendsBack && returnedAt < this.#span.to) this.#sendOrderLine(order, user, item, returned, total, returnedAt)
    const ratedAt = boughtAt + random.between(day, 15 * day)
    if (!random.chance(0.5) || ratedAt >= this.#span.to) return
    const stars = Math.max(1, Math.min(5, Math.floor(1.8 + 3.5 * quality + 1.5 * random.unit() - (sendsBack ? 2 : 0))))
    const ingested_at = this.#delivery.ingestedAt(ratedAt)
    this.#delivery.send('ratings', { event_id: this.#events++, user_id: user, item_id: item, stars, at: ratedAt, ingested_at })
  }

  /** One line in a hundred is corrected later: the same line with a smaller total. */
  #sendOrderLine(order: number, user: number, item: number, kind: number, total: number, at: number): void {
    const random = this.#random
    const { category } = this.#catalogue.item(item)
    const ingested_at = this.#delivery.ingestedAt(at)
    const line = { order_line_id: this.#events++, order_id: order, user_id: user, item_id: item, category, kind, total, at, ingested_at }
    this.#delivery.send('orders', line)
    const correctedAt = ingested_at + hour + random.below(3 * day)
    if (!random.chance(0.01) || correctedAt >= this.#span.to) return
    this.corrections++
    this.#delivery.send('orders', { ...line, total: Math.floor((total * random.between(70, 95)) / 100), ingested_at: correctedAt })
  }
}
