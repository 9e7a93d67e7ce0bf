import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  average,
  collect,
  count,
  countDistinct,
  type Definition,
  daysSince,
  deviation,
  type Expression,
  type ExpressionNode,
  entity,
  events,
  featureGroup,
  featureView,
  first,
  last,
  lastN,
  maximum,
  onDemand,
  quantile,
  type Row,
  ratio,
  secondsSince,
  showExpression,
  sum,
  table,
  topK,
} from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { checkRules, type RuleName, type Severity } from './check-rules.ts'
import { checkDefinitions } from './checks.ts'
import { policy } from './policies.ts'

const user = entity('user', { user_id: t.string() })
const columns = { user_id: t.string(), kind: t.string(), total: t.integer(), at: t.timestamp() }
const orders = events('orders', { columns, time: 'at' })
const profiles = table('profiles', { columns, time: 'at' })
const about = { owner: 'growth', description: 'Orders.' }
type Order = Row<typeof columns>

/** Rules that had something against definitions of a test. */
const met = new Set<string>()

function check(definitions: readonly Definition[], severities: Partial<Record<RuleName, Severity>>) {
  const found = checkDefinitions(definitions, severities)
  for (const { rule } of found) met.add(rule)
  return found
}

/** What rules say of definitions, as texts; errors in capitals. */
function findings(definitions: readonly Definition[], severities: Partial<Record<RuleName, Severity>> = {}): string[] {
  return check(definitions, severities).map(({ rule, severity, where, message, remedy }) => {
    const text = `${rule}: ${message} (${where}). ${remedy}`
    return severity === 'error' ? text.toUpperCase() : text
  })
}

const rulesOf = (definitions: readonly Definition[], severities: Partial<Record<RuleName, Severity>> = {}): string[] =>
  check(definitions, severities).map(({ rule }) => rule)

const groupOf = (features: (order: Order) => Readonly<Record<string, Expression>>, name = 'user_orders', version = 1) =>
  featureGroup({ name, version, entity: user, source: orders, features, ...about })
const viewOf = (items: Parameters<typeof featureView>[0]['features'], version = 1) =>
  featureView({ name: 'ranking', version, features: items as never, ...about })

const purchased = (order: Order) => order.kind.eq('purchased')

/** A feature by its name, and the rules that have something against it. */
const features: readonly (readonly [name: string, feature: (order: Order) => Expression, ...rules: RuleName[]])[] = [
  // the names of the design
  ['user_purchase_count_lifetime', (order) => count().where(purchased(order))],
  ['user_order_value_avg_90d', (order) => average(order.total).where(purchased(order)).over('90d')],
  ['user_top_categories_lifetime', (order) => topK(order.kind, 3)],
  ['user_return_rate_lifetime', (order) => ratio(count().where(order.kind.eq('returned')), count()).orElse(0)],
  ['user_seconds_since_last_purchase', (order) => secondsSince(last(order.at).where(purchased(order)))],
  ['user_account_age_days', (order) => daysSince(first(order.at))],
  ['user_last_kind', (order) => last(order.kind)],
  ['user_last_5_kinds', (order) => lastN(order.kind, 5)],
  // the entity
  ['purchase_count_lifetime', () => count(), 'name-entity'],
  ['users_purchase_count_lifetime', () => count(), 'name-entity'],
  // the window
  ['user_purchase_count', () => count(), 'name-window'],
  ['user_purchase_count', () => count().over('7d'), 'name-window'],
  ['user_last_kind', (order) => last(order.kind).over('7d'), 'name-window'],
  ['user_seconds_since_purchase', (order) => secondsSince(last(order.at).over('7d')), 'name-window'],
  ['user_purchase_count_1d', () => count().over('24h')],
  ['user_purchase_count_24h', () => count().tumbling('1d', 'last')],
  ['user_purchase_count_1h30m', () => count().over('90m')],
  ['user_purchase_count_session', () => count().session('30m')],
  ['user_purchase_count_session_30m', () => count().session('30m')],
  ['user_purchase_count_since_return', (order) => count().since(order.kind.eq('returned'))],
  ['user_7d_share_of_30d', () => ratio(count().over('7d'), count().over('30d'))],
  ['user_purchase_growth_7d', () => ratio(count().over('7d'), count().over('30d'))],
  ['user_purchase_count_30d', () => count().over('30d').delay('1d')],
  // contradictions
  ['user_purchase_count_30d', () => count().over('60d'), 'name-window-contradiction'],
  ['user_purchase_count_30d', () => count(), 'name-window-contradiction'],
  ['user_purchase_count_lifetime', () => count().over('60d'), 'name-window-contradiction'],
  ['user_purchase_count_session', () => count().over('60d'), 'name-window-contradiction'],
  ['user_purchase_count_12m', () => count().over('365d'), 'name-window-contradiction'],
  ['user_30d_purchase_count_7d', () => count().over('30d'), 'name-window-contradiction'],
  ['user_purchase_count_0d', () => count().over('30d'), 'name-window-contradiction'],
  ['user_spend_avg_30d', (order) => sum(order.total).over('30d'), 'name-aggregation-contradiction'],
  ['user_spend_max_30d', (order) => deviation(order.total).over('30d'), 'name-aggregation-contradiction'],
  ['user_orders_count_30d', (order) => countDistinct(order.kind).over('30d')],
  ['user_spend_max_30d', (order) => maximum(order.total).over('30d')],
  ['user_spend_avg_30d', (order) => ratio(sum(order.total).over('30d'), count().over('30d'))],
  ['user_constructor_30d', (order) => sum(order.total).over('30d')],
  // windows and lists
  ['user_count_500ms', () => count().over('500ms'), 'window-length'],
  ['user_count_1s', () => count().over('1s')],
  ['user_count_1827d', () => count().over('1827d')],
  ['user_count_1828d', () => count().over('1828d'), 'window-length'],
  ['user_count_session', () => count().session('10ms'), 'window-length'],
  ['user_count_lifetime', () => count().delay('2000d'), 'window-length'],
  ['user_totals_30d', (order) => collect(order.total, 1000).over('30d')],
  ['user_totals_30d', (order) => collect(order.total, 1001).over('30d'), 'large-list'],
  ['user_totals_30d', (order) => topK(order.total, 2000).over('30d'), 'large-list'],
  ['user_totals_30d', (order) => lastN(order.total, 2000).over('30d'), 'large-list'],
]

describe('features', () => {
  for (const [name, feature, ...rules] of features) {
    const group = groupOf((order) => ({ [name]: feature(order) }))
    test(`${name} is ${showExpression(group.features[name] as ExpressionNode)}: ${rules.join(' and ') || 'good'}`, () => {
      assert.deepEqual(rulesOf([group, viewOf([group])]), rules)
    })
  }
})

test('features of tables have no window to name', () => {
  const group = featureGroup({
    name: 'profiles',
    entity: user,
    source: profiles,
    features: (row) => ({ user_total: row.total, user_spend_30d: row.total }),
    ...about,
  })
  assert.deepEqual(rulesOf([viewOf([group])]), [])
})

test('a finding tells the place, the matter and the remedy; errors come first', () => {
  const group = groupOf((order) => ({ count_30d: count().over('60d'), user_spend_avg_lifetime: sum(order.total) }))
  assert.deepEqual(findings([viewOf([group])]), [
    'NAME-WINDOW-CONTRADICTION: THE NAME COUNT_30D SAYS 30D, THE WINDOW IS OVER 60D (FEATURE GROUP USER_ORDERS, FEATURE COUNT_30D). CALL IT COUNT_60D, OR CORRECT THE WINDOW.',
    'name-entity: The name count_30d does not begin with its entity, user (feature group user_orders, feature count_30d). Call it user_count_30d.',
    'name-aggregation-contradiction: The name user_spend_avg_lifetime says avg, the feature is sum(total) (feature group user_orders, feature user_spend_avg_lifetime). Rename it, or correct the aggregation.',
  ])
})

const good = groupOf(() => ({ user_order_count_30d: count().over('30d') }))

test('owner and description', () => {
  const group = featureGroup({ name: 'bare', entity: user, source: orders, features: () => ({ user_count_30d: count().over('30d') }) })
  const view = featureView({ name: 'bare', features: [group] })
  const onDemandView = onDemand({ name: 'bare', from: [group], features: { x: t.integer() }, compute: () => ({ x: 1 }) })
  assert.deepEqual(
    check([group, view, onDemandView, viewOf([onDemandView])], { 'code-hash': 'off' }).map(({ rule, where }) => `${rule} ${where}`),
    [
      'owner feature group bare',
      'owner feature view bare',
      'description feature group bare',
      'description on-demand view bare',
      'description feature view bare',
    ],
  )
})

test('what no view reads is unused, also behind on-demand views', () => {
  const other = groupOf(() => ({ user_other_count_30d: count().over('30d') }), 'user_other')
  const behind = onDemand({ name: 'behind', from: [good], features: { x: t.integer() }, compute: () => ({ x: 1 }), ...about })
  const front = onDemand({ name: 'front', from: [behind], features: { y: t.integer() }, compute: () => ({ y: 1 }), ...about })
  const wanted = { 'code-hash': 'off' } as const
  assert.deepEqual(findings([other, good, front], wanted), [
    'unused: No feature view reads it (feature group user_other). Add it to a view, or remove it.',
    'unused: No feature view reads it (feature group user_orders). Add it to a view, or remove it.',
    'unused: No feature view reads it (on-demand view front). Add it to a view, or remove it.',
    'unused: No feature view reads it (on-demand view behind). Add it to a view, or remove it.',
  ])
  assert.deepEqual(findings([other, good, front, viewOf([front])], wanted), [
    'unused: No feature view reads it (feature group user_other). Add it to a view, or remove it.',
  ])
})

test('an active view reads no draft, also behind on-demand views; a draft may, and needs no view', () => {
  const draft = featureGroup({
    name: 'user_drafts',
    status: 'draft',
    entity: user,
    source: orders,
    features: () => ({ user_draft_count_30d: count().over('30d') }),
    ...about,
  })
  const code = onDemand({ name: 'code', from: [draft], features: { x: t.integer() }, compute: () => ({ x: 1 }), ...about })
  const draftCode = onDemand({
    name: 'user_code',
    status: 'draft',
    from: [good],
    features: { y: t.integer() },
    compute: () => ({ y: 1 }),
    ...about,
  })
  const wanted = { 'code-hash': 'off' } as const
  const said = (...drafts: string[]) =>
    `draft: It is active, and reads ${drafts.join()}, which is a draft (feature view ranking). Take status: 'draft' out of what it reads, or make the view a draft too.`
  assert.deepEqual(findings([draft]), [])
  assert.deepEqual(findings([viewOf([draft])], wanted), [said('user_drafts@1').toUpperCase()])
  assert.deepEqual(findings([viewOf([code])], { ...wanted, draft: 'warning' }), [said('user_drafts@1')])
  assert.deepEqual(findings([viewOf([draftCode])], { ...wanted, draft: 'warning' }), [said('user_code@1')])
  assert.deepEqual(findings([featureView({ name: 'ranking', status: 'draft', features: [code], ...about })], wanted), [])
})

test('versions: the newest are checked and read; one version is one definition', () => {
  const old = groupOf(() => ({ orders: count() }))
  const newer = groupOf(() => ({ user_order_count_30d: count().over('30d') }), 'user_orders', 2)
  assert.deepEqual(findings([old, newer, viewOf([old])]), [
    'outdated-group: It reads version 1 of user_orders; there is version 2 (feature view ranking). Read the newer one in a new version of the view.',
    'unused: No feature view reads it (feature group user_orders). Add it to a view, or remove it.',
  ])
  assert.deepEqual(findings([old, newer, viewOf([old]), viewOf([newer], 2)]), [])
  assert.deepEqual(
    findings([
      good,
      viewOf([good]),
      viewOf([newer, groupOf(() => ({ user_x_count_7d: count().over('7d') }), 'user_orders', 2).pick('user_x_count_7d')], 2),
    ]),
    [
      'DUPLICATE-VERSION: THERE ARE TWO DEFINITIONS OF USER_ORDERS VERSION 2, WHICH DIFFER (FEATURE GROUP USER_ORDERS). RAISE THE VERSION OF THE NEWER ONE.',
    ],
  )
  assert.deepEqual(rulesOf([viewOf([good]), viewOf([old])]), ['duplicate-version', 'duplicate-version', 'name-entity', 'name-window'])
  const twin = groupOf(() => ({ user_order_count_30d: count().over('30d') }))
  assert.deepEqual(rulesOf([viewOf([good]), viewOf([twin], 2)]), [])
})

test('a feature of one name in two groups of an entity', () => {
  const item = entity('user_item', { user_id: t.string() })
  const same = groupOf(() => ({ user_order_count_30d: count().over('30d') }), 'user_other')
  const ofOther = featureGroup({
    name: 'items',
    entity: item,
    source: orders,
    features: () => ({ user_order_count_30d: count().over('30d') }),
    ...about,
  })
  assert.deepEqual(findings([viewOf([good]), viewOf([same], 2), viewOf([ofOther], 3)], { 'name-entity': 'off' }), [
    'duplicate-feature: The group user_orders has a feature user_order_count_30d of the same entity (feature group user_other, feature user_order_count_30d). Rename one of them, or use one in both places.',
  ])
})

const doubled = onDemand({
  name: 'doubled',
  from: [good],
  features: { x: t.integer() },
  compute: ({ user_order_count_30d }) => ({ x: Number(user_order_count_30d) * 2 }),
  ...about,
})
const hidden = (factor: number) =>
  onDemand({
    name: 'scaled',
    from: [good],
    features: { y: t.integer() },
    compute: ({ user_order_count_30d }) => ({ y: Number(user_order_count_30d) * factor }),
    ...about,
  })

test('code that the hash cannot see', () => {
  assert.deepEqual([doubled.codeComplete, hidden(2).codeComplete], [true, false])
  assert.deepEqual(findings([viewOf([doubled, hidden(2)])]), [
    'code-hash: Its hash covers only a part of the code that it runs (on-demand view scaled). Declare compute and what it uses at the top level of modules, or raise the version whenever that code changes.',
  ])
})

test('severities can be changed, and rules switched on and off', () => {
  const group = groupOf((order) => ({
    user_median: quantile(order.total, 0.5),
    user_kinds_since: count().since(purchased(order)),
    user_x_7d: quantile(order.total, 0.5).over('7d'),
  }))
  const definitions = [viewOf([group])]
  assert.deepEqual(findings(definitions, { 'name-window': 'error', 'unbounded-state': 'warning' }), [
    'NAME-WINDOW: THE NAME USER_MEDIAN DOES NOT TELL ITS WINDOW, LIFETIME (FEATURE GROUP USER_ORDERS, FEATURE USER_MEDIAN). CALL IT USER_MEDIAN_LIFETIME.',
    'unbounded-state: The state of quantile(total, 0.5) may grow for ever (feature group user_orders, feature user_median). Give it a window with over(...), or an approximate form.',
    "unbounded-state: The state of count() since kind = 'purchased' may grow for ever (feature group user_orders, feature user_kinds_since). Give it a window with over(...), or an approximate form.",
  ])
  assert.deepEqual(findings(definitions, { 'name-window': 'off' }), [])
  const unknown = (rules: Readonly<Record<string, string>>) => () => checkDefinitions([], rules as Record<string, Severity>)
  assert.throws(unknown({ 'name-windw': 'off' }), { code: 'INVALID_ARGUMENT', message: /no rule name-windw; did you mean name-window\?/ })
  assert.throws(unknown({ toString: 'off' }), { code: 'INVALID_ARGUMENT', message: /no rule toString/ })
  assert.throws(unknown({ owner: 'fatal' }), { code: 'INVALID_ARGUMENT', message: /fatal/ })
})

test('tags, and how old values may be, where a project asks for them', () => {
  const tabular = (options: object) =>
    featureGroup({
      name: 'user_profile',
      entity: user,
      source: profiles,
      features: ({ kind }) => ({ user_kind: kind }),
      ...about,
      ...options,
    })
  const asked = { tags: 'warning', freshness: 'error' } as const
  assert.deepEqual(findings([viewOf([tabular({})])], asked), [
    "FRESHNESS: IT DOES NOT SAY HOW OLD ITS VALUES MAY BE (FEATURE GROUP USER_PROFILE). ADD FRESHNESS: '1D' OR TTL: '30D', AS THE MODELS NEED IT.",
    "tags: It has no tag (feature group user_profile). Add tags: ['...'], by which it is found and governed.",
    "tags: It has no tag (feature view ranking). Add tags: ['...'], by which it is found and governed.",
  ])
  const tagged = (group: ReturnType<typeof tabular>) => featureView({ name: 'ranking', features: [group], tags: ['core'], ...about })
  assert.deepEqual(rulesOf([tagged(tabular({ tags: ['core'], ttl: '30d' }))], asked), [])
  assert.deepEqual(rulesOf([tagged(tabular({ tags: ['core'], freshness: '1d' }))], asked), [])
})

const people = table('people', {
  columns: { user_id: t.string(), email: t.string(), city: t.string(), at: t.timestamp() },
  time: 'at',
  columnTags: { email: ['pii'], user_id: ['key'] },
})
const userPeople = featureGroup({
  name: 'user_people',
  entity: user,
  source: people,
  features: (row) => ({ user_city: row.city, user_domain: row.email.lower(), user_has_mail: row.email.isNotNull() }),
  tags: ['crm'],
  ...about,
})
const mail = onDemand({
  name: 'mail',
  from: [userPeople.pick('user_domain')],
  features: { user_is_staff: t.boolean() },
  compute: ({ user_domain }) => ({ user_is_staff: user_domain === 'example.com' }),
  ...about,
})

test('tags of columns flow to features, through on-demand views, and a view that serves them has them', () => {
  const view = (features: readonly unknown[], tags: string[] = []) =>
    featureView({ name: 'ranking', features: features as never, tags, ...about })
  assert.deepEqual(findings([view([userPeople.pick('user_city', 'user_has_mail'), mail])]), [
    "TAG-FLOW: IT SERVES USER_HAS_MAIL, USER_IS_STAFF, WHICH DERIVES FROM WHAT IS TAGGED PII, AND HAS NO SUCH TAG (FEATURE VIEW RANKING). ADD TAGS: ['PII'] TO THE VIEW, OR LEAVE THESE FEATURES OUT.",
  ])
  assert.deepEqual(rulesOf([view([userPeople, mail], ['pii'])]), [])
  assert.deepEqual(rulesOf([view([userPeople.pick('user_city')])]), [])
  const both = [view([userPeople]), featureView({ name: 'ranking', version: 2, features: [userPeople], tags: ['pii'], ...about })]
  assert.deepEqual(
    checkDefinitions(both).map(({ rule, where, remedy }) => [rule, where, remedy]),
    [
      [
        'tag-flow',
        'feature view ranking@1',
        "Declare version 1 beside the newer one with tags: ['pii'], or remove it: lockstep remove view:ranking@1.",
      ],
    ],
  )
  assert.throws(() => table('t', { columns: { at: t.timestamp() }, time: 'at', columnTags: { mail: ['pii'] } as never }), {
    code: 'UNKNOWN_COLUMN',
  })
})

test('a policy of the project looks at the whole graph, with a severity that the settings change', () => {
  const crmStays = policy({
    name: 'crm-stays',
    severity: 'error',
    check: (graph) =>
      graph.catalogue.views.flatMap((view) =>
        view.featureNames
          .filter((name) => graph.environment === 'prod' && graph.tagsOf(`view:${view.name}@${view.version}.${name}`).has('crm'))
          .map((name) => ({ where: `feature view ${view.name}`, message: `${name} is of the crm`, remedy: 'Leave it out.' })),
      ),
  })
  const definitions = [viewOf([userPeople.pick('user_city')])]
  const run = (environment: string, severity?: Severity) =>
    checkDefinitions(definitions, severity ? { 'crm-stays': severity } : {}, { policies: [crmStays], environment })
  const finding = { rule: 'crm-stays', where: 'feature view ranking', message: 'user_city is of the crm', remedy: 'Leave it out.' }
  assert.deepEqual(run('prod'), [{ ...finding, severity: 'error' }])
  assert.deepEqual(run('prod', 'warning'), [{ ...finding, severity: 'warning' }])
  assert.deepEqual(run('prod', 'off'), [])
  assert.deepEqual(run('dev'), [])
  assert.throws(() => policy({ name: 'owner', severity: 'error', check: () => [] }), { code: 'INVALID_DEFINITION' })
  assert.throws(() => policy({ name: 'No Mail', severity: 'error', check: () => [] }), { code: 'INVALID_DEFINITION' })
  assert.throws(() => policy({ name: 'no-mail', severity: 'fatal' as Severity, check: () => [] }), {
    code: 'INVALID_DEFINITION',
    where: 'policy no-mail',
  })
})

test('a policy that fails, or gives what are no findings, is named, and lets nothing by', () => {
  const run = (check: () => unknown) =>
    checkDefinitions(
      [viewOf([userPeople.pick('user_city')])],
      {},
      {
        policies: [policy({ name: 'no-mail', severity: 'warning', check: check as never })],
      },
    )
  const refused = { code: 'INVALID_DEFINITION', where: 'policy no-mail' }
  const failing = () => {
    throw new Error('no such tag')
  }
  assert.throws(() => run(failing), { ...refused, message: /failed: no such tag/ })
  for (const check of [async () => [], () => undefined, () => [{ message: 'no place' }], () => [null]])
    assert.throws(() => run(check), refused)
})

test('every rule is met above, and asks for something in sentences', () => {
  assert.deepEqual([...met].sort(), Object.keys(checkRules).sort())
  for (const [name, { asks }] of Object.entries(checkRules)) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/)
    assert.match(asks, /^[A-Z].*\.$/)
  }
})
