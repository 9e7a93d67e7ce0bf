import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { LockstepError } from '../errors.ts'
import type { DocumentPlace, DocumentStore } from '../registry/index.ts'
import { documentProcessCases } from './document-store-processes.ts'

/** One empty store of documents, made for one test. */
export interface DocumentStoreUnderTest {
  readonly store: DocumentStore
  /** How another process opens the same documents: it calls `factory` of `module` with `options`. */
  readonly elsewhere?: { readonly module: string; readonly factory: string; readonly options: unknown }
  /** Opens the same documents once more. */
  again(): DocumentStore
  /** Removes what the test has left; `store` is closed by then. */
  cleanup(): Promise<void>
}

export type DocumentCase = (under: DocumentStoreUnderTest, context: TestContext) => Promise<void>

/** The tests that every store of documents passes, registered with `node:test`. `open` is called once for each test. */
export function documentStoreSuite(name: string, open: () => Promise<DocumentStoreUnderTest>): void {
  void suite(`${name} as a registry`, () => {
    for (const [title, run] of Object.entries({ ...cases, ...documentProcessCases })) {
      void test(title, { timeout: 60_000 }, async (context) => {
        const under = await open()
        try {
          await run(under, context)
        } finally {
          await under.store.close()
          await under.cleanup()
        }
      })
    }
  })
}

const put = (key: string, text = key, table = 't') => ({ table, key, text })
const at = (key: string, table = 't'): DocumentPlace => ({ table, key })
const bytesOf = (text: string) => Buffer.from(text)
const byBytes = (a: string, b: string) => Buffer.compare(bytesOf(a), bytesOf(b))
const keysOf = (documents: readonly ({ readonly key: string } | null)[]) => documents.map((document) => document?.key ?? null)
const refusal = { code: 'INVALID_ARGUMENT' }

const cases: Record<string, DocumentCase> = {
  'nothing is there before the first commit': async ({ store }) => {
    assert.deepEqual([await store.revision(), await store.tables(), await store.list('t')], [0, [], []])
    assert.deepEqual([await store.read([]), await store.read([at('a'), at('b')])], [[], [null, null]])
  },

  'a document has the revision of the commit that wrote it': async ({ store, again }) => {
    assert.equal(await store.commit({ puts: [put('a', '1'), put('b', '1')] }), 1)
    assert.equal(await store.commit({ puts: [put('a', '2'), put('c', '1', 'u')], deletes: [at('b'), at('never')] }), 2)
    const expected = [{ key: 'a', text: '2', revision: 2 }, null, { key: 'c', text: '1', revision: 2 }, null]
    const places = [at('a'), at('b'), at('c', 'u'), at('c')]
    const other = again()
    for (const each of [store, other]) {
      assert.deepEqual(
        (await each.read(places)).map((document) => document && { ...document }),
        expected,
      )
      assert.deepEqual([await each.revision(), await each.tables()], [2, ['t', 'u']])
    }
    assert.equal(await other.commit({ deletes: [at('a')] }), 3)
    assert.deepEqual([await store.revision(), await store.tables(), await store.read([at('a')])], [3, ['u'], [null]])
    await other.close()
  },

  'a stamp tells whether documents have changed, and of these only': async ({ store }) => {
    const ranges = [{ table: 't' }, { table: 't', prefix: 'a' }, { table: 't', prefix: 'b' }, { table: 'u' }]
    let known = await Promise.all(ranges.map((range) => store.stamp(range)))
    const changedBy = async (commit: Parameters<DocumentStore['commit']>[0]): Promise<boolean[]> => {
      await store.commit(commit)
      const now = await Promise.all(ranges.map((range) => store.stamp(range)))
      const changed = now.map((stamp, index) => stamp !== known[index])
      known = now
      return changed
    }
    assert.deepEqual(await changedBy({ puts: [put('a1'), put('b1')] }), [true, true, true, false])
    assert.deepEqual(await changedBy({ puts: [put('a', '1', 'u')] }), [false, false, false, true])
    assert.deepEqual(await changedBy({ puts: [put('a1', 'again')] }), [true, true, false, false])
    assert.deepEqual(await changedBy({ puts: [put('a2')], deletes: [at('a1')] }), [true, true, false, false])
    assert.deepEqual(await changedBy({ deletes: [at('b1')] }), [true, false, true, false])
    assert.deepEqual(await changedBy({ deletes: [at('b1')] }), [false, false, false, false])
  },

  'a commit is made iff each document has the expected revision': async ({ store }) => {
    await store.commit({ puts: [put('a'), put('b')] })
    await store.commit({ puts: [put('b', 'again')] })
    const right = { a: 1, b: 2, c: 0 }
    for (const wrong of [{ a: 0 }, { a: 2 }, { b: 1 }, { c: 1 }, { a: 2, b: 1 }, { b: 3, c: 2 }]) {
      const conditions = Object.entries({ ...right, ...wrong }).map(([key, revision]) => ({ ...at(key), revision }))
      for (const order of [conditions, conditions.toReversed()]) {
        assert.equal(await store.commit({ conditions: order, puts: [put('d')], deletes: [at('a')] }), null)
        assert.deepEqual([await store.revision(), keysOf(await store.list('t'))], [2, ['a', 'b']])
      }
    }
    const conditions = Object.entries(right).map(([key, revision]) => ({ ...at(key), revision }))
    assert.equal(await store.commit({ conditions, puts: [put('c')], deletes: [at('a')] }), 3)
    assert.deepEqual(keysOf(await store.list('t')), ['b', 'c'])
    // What was deleted and is there again is another one.
    assert.equal(await store.commit({ puts: [put('a')] }), 4)
    assert.equal(await store.commit({ conditions: [{ ...at('a'), revision: 1 }] }), null)
    assert.equal(await store.commit({ conditions: [{ ...at('a'), revision: 4 }] }), 5)
    assert.equal(await store.commit({}), 6)
  },

  'keys and texts are any Unicode, in the order of their bytes': async ({ store }) => {
    const keys = [
      '',
      ' ',
      'a',
      'A',
      'a/b',
      'a%',
      'a_',
      "a'b",
      'a\\',
      'é',
      'e\u0301',
      'ß',
      'Ω',
      '\u007f',
      '\u0080',
      '\uffff',
      '🙂',
      '\u{10ffff}',
      '日本',
      'ab',
      'a\n',
    ]
    const sorted = keys.toSorted(byBytes)
    await store.commit({ puts: keys.map((key) => put(key, `"${key}"`)) })
    assert.deepEqual(
      (await store.list('t')).map(({ key, text }) => [key, text]),
      sorted.map((key) => [key, `"${key}"`]),
    )
    assert.deepEqual(keysOf(await store.read(keys.map((key) => at(key)))), keys)
    for (const prefix of ['', 'a', 'a%', 'é', '\uffff', '🙂', '\u{10ffff}', 'none']) {
      const within = sorted.filter((key) => key.startsWith(prefix))
      assert.deepEqual(keysOf(await store.list('t', { prefix })), within, prefix)
      assert.deepEqual(keysOf(await store.list('t', { prefix, descending: true })), within.toReversed(), prefix)
      for (const after of ['', 'a', 'a0', '\uffff', 'é', '\u{10ffff}']) {
        const above = within.filter((key) => byBytes(key, after) > 0)
        const below = within.filter((key) => byBytes(key, after) < 0).toReversed()
        assert.deepEqual(keysOf(await store.list('t', { prefix, after })), above, `${prefix} after ${after}`)
        assert.deepEqual(keysOf(await store.list('t', { prefix, after, limit: 3 })), above.slice(0, 3))
        assert.deepEqual(keysOf(await store.list('t', { prefix, after, descending: true, limit: 2 })), below.slice(0, 2))
      }
    }
  },

  'pages of a list hold each document once': async ({ store }) => {
    const keys = Array.from({ length: 500 }, (_, index) => `key ${(index * 37) % 500}`)
    await store.commit({ puts: keys.map((key) => put(key)) })
    for (const descending of [false, true]) {
      const found: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await store.list('t', { limit: 64, descending, ...(after === undefined ? {} : { after }) })
        if (page.length === 0) break
        found.push(...page.map(({ key }) => key))
        after = found.at(-1)
      }
      assert.deepEqual(found, descending ? keys.toSorted(byBytes).toReversed() : keys.toSorted(byBytes))
    }
  },

  'what cannot be kept is refused, and nothing of its commit is made': async ({ store }) => {
    const long = 'é'.repeat(500)
    await store.commit({ puts: [put(long, 'x'.repeat(3_000_000), 'a1_B')] })
    assert.equal((await store.read([at(long, 'a1_B')]))[0]?.text.length, 3_000_000)
    const wrong = [
      ...['', '1a', 'a b', 'a-b', 'é', `a"`, 'a'.repeat(64)].map((table) => put('k', 'v', table)),
      ...[`${long}x`, 'a\0', '\ud800', 'a\udc00b'].map((key) => put(key, 'v')),
      ...['\0', '\ud83d'].map((text) => put('k', text)),
    ]
    for (const each of wrong) await assert.rejects(store.commit({ puts: [put('good'), each] }), refusal, JSON.stringify(each).slice(0, 40))
    await assert.rejects(store.commit({ puts: [put('k', '1'), put('k', '2')] }), refusal)
    await assert.rejects(store.commit({ puts: [put('k')], deletes: [at('k')] }), refusal)
    assert.deepEqual([await store.revision(), await store.list('t')], [1, []])
  },

  'a commit takes ten thousand documents': async ({ store }) => {
    const puts = Array.from({ length: 10_000 }, (_, index) => put(`key ${index}`, `"${index} ${'x'.repeat(500)}"`))
    assert.equal(await store.commit({ puts }), 1)
    const documents = await store.read(puts)
    for (const [index, document] of documents.entries()) assert.equal(document?.text, puts[index]?.text)
    assert.equal((await store.list('t')).length, 10_000)
    assert.equal(await store.commit({ deletes: puts.slice(1) }), 2)
    assert.deepEqual(keysOf(await store.list('t')), ['key 0'])
  },

  'of commits at the same time with one condition one wins': async ({ store, again }) => {
    const others = [store, again(), again()]
    for (let round = 0; round < 10; round++) {
      const revision = (await store.read([at('head')]))[0]?.revision ?? 0
      const tried = await Promise.all(
        Array.from({ length: 9 }, (_, index) =>
          (others[index % 3] as DocumentStore).commit({
            conditions: [{ ...at('head'), revision }],
            puts: [put('head', `${round}`), put(`by ${index}`, `${round}`)],
          }),
        ),
      )
      assert.equal(tried.filter((made) => made !== null).length, 1)
      assert.equal((await store.list('t', { prefix: 'by ' })).filter(({ text }) => text === `${round}`).length, 1)
    }
    assert.equal(await store.revision(), 10)
    await Promise.all(others.slice(1).map((each) => each.close()))
  },

  'who reads while others commit sees a commit whole or not at all': async ({ store, again }) => {
    const writer = again()
    const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`)
    const write = async () => {
      for (let step = 1; step <= 20; step++) await writer.commit({ puts: keys.map((key) => put(key, `${step}`)) })
    }
    let writing = true
    const written = write().finally(() => {
      writing = false
    })
    let seen = 0
    while (writing) {
      const [listed, read] = [await store.list('t'), await store.read(keys.map((key) => at(key)))]
      for (const documents of [listed, read.filter((each) => each !== null)]) {
        const revisions = new Set(documents.map(({ revision, text }) => `${revision} ${text}`))
        assert.ok(revisions.size <= 1 && (documents.length === 0 || documents.length === 200), [...revisions].join())
        const last = documents[0]?.revision ?? 0
        assert.ok(last >= seen, 'it never goes back')
        seen = last
      }
    }
    await written
    assert.equal((await store.list('t'))[0]?.text, '20')
    await writer.close()
  },

  'a snapshot is of one revision, however long it reads and whatever is committed meanwhile': async ({ store, again }) => {
    const writer = again()
    const read = () =>
      store.snapshot(async (reads) => {
        const found: string[] = []
        for (const table of await reads.tables())
          found.push(`${table} ${(await reads.list(table)).map(({ key, text }) => `${key}=${text}`).join()}`)
        return { revision: await reads.revision(), found }
      })
    assert.deepEqual(await read(), { revision: 0, found: [] })
    await store.commit({ puts: [put('a', '0'), put('b', '0', 'u')] })
    const between = await store.snapshot(async (reads) => {
      const seen: unknown[] = []
      const look = async () =>
        seen.push([
          await reads.revision(),
          await reads.tables(),
          await reads.list('t'),
          await reads.read([at('a'), at('c'), at('b', 'u')]),
          await reads.stamp({ table: 't' }),
        ])
      await look()
      await writer.commit({ puts: [put('a', '1'), put('c', '1'), put('d', '1', 'v')], deletes: [at('b', 'u')] })
      assert.equal(await store.commit({ puts: [put('e', '1')] }), 3, 'it keeps nobody waiting')
      await look()
      return seen
    })
    assert.deepEqual(between[1], between[0])
    assert.deepEqual((await read()).found, ['t a=1,c=1,e=1', 'v d=1'])

    let writing = true
    const written = (async () => {
      for (let step = 4; writing; step++) await writer.commit({ puts: ['t', 'u', 'v', 'w'].map((table) => put('step', `${step}`, table)) })
    })()
    for (let time = 0; time < 10; time++) {
      const { revision, found } = await read()
      const steps = found.flatMap((texts) => /step=(\d+)/.exec(texts)?.[1] ?? [])
      assert.ok(steps.length === 0 || (steps.length === 4 && new Set(steps).size === 1 && steps[0] === `${revision}`), found.join(' '))
    }
    writing = false
    await written
    await writer.close()
    const failed = new LockstepError('IN_USE', 'The work failed')
    await assert.rejects(
      store.snapshot(() => Promise.reject(failed)),
      failed,
    )
    assert.equal((await store.read([at('step')])).length, 1)
  },

  'a store that is closed says so': async ({ again }) => {
    const other = again()
    await other.commit({ puts: [put('a')] })
    await other.close()
    await other.close()
    await assert.rejects(other.read([at('a')]), refusal)
    await assert.rejects(other.commit({}), refusal)
  },
}
