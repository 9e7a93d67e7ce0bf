import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainHead } from './plain-head.ts'

const first = 'POST /v1/views/ranking/vectors HTTP/1.1'
const head = (...lines: string[]) => [first, 'Host: features:8080', ...lines].join('\r\n')

test('a plain head is read', () => {
  const text = head('content-TYPE:application/json', 'Content-Length: 12', 'X-Empty:', 'accept:\t*/* \t', 'Connection: Keep-Alive')
  assert.deepEqual(
    { ...plainHead(text), headers: { ...plainHead(text)?.headers } },
    {
      method: 'POST',
      path: '/v1/views/ranking/vectors',
      headers: {
        host: 'features:8080',
        'content-type': 'application/json',
        'content-length': '12',
        'x-empty': '',
        accept: '*/*',
        connection: 'Keep-Alive',
      },
      size: text.length + 4,
      length: 12,
    },
  )
})

const length = 'Content-Length: 2'
const others: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['another method', head(length).replace('POST', 'GET')],
  ['a method in small letters', head(length).replace('POST', 'post')],
  ['another version', head(length).replace('HTTP/1.1', 'HTTP/1.0')],
  ['a path with an escape', head(length).replace('ranking', 'r%61nking')],
  ['a query', head(length).replace('vectors', 'vectors?a=1')],
  ['a whole URL', head(length).replace('/v1', 'http://features/v1')],
  ['two spaces', head(length).replace(' HTTP', '  HTTP')],
  ['no host', head(length).replace('Host: features:8080\r\n', '')],
  ['two hosts', head(length, 'host: other')],
  ['no length', head()],
  ['two lengths', head(length, 'content-length: 2')],
  ['a list of lengths', head('Content-Length: 2, 2')],
  ['a length with a sign', head('Content-Length: +2')],
  ['a length in other digits', head('Content-Length: 0x2')],
  ['a length beyond all', head('Content-Length: 10000000000')],
  ['parts instead of a length', head(length, 'Transfer-Encoding: chunked')],
  ['a client that waits', head(length, 'Expect: 100-continue')],
  ['another protocol', head(length, 'Upgrade: h2c')],
  ['a connection that closes', head(length, 'Connection: close')],
  ['a connection that is for more', head(length, 'Connection: keep-alive, upgrade')],
  ['a connection that closes, in an old word', head(length, 'Proxy-Connection: close')],
  ['a space before the colon', head('Content-Length : 2')],
  ['a header that is folded', head(length, 'X-A: 1', ' 2')],
  ['a header without a name', head(length, ': 1')],
  ['a header without a colon', head(length, 'x')],
  ['a name with a space', head(length, 'x y: 1')],
  ['a line feed alone', head(length, 'X-A: 1\nTransfer-Encoding: chunked')],
  ['a carriage return alone', head(length, 'X-A: 1\rTransfer-Encoding: chunked')],
  ['a null byte', head(length, 'X-A: \0')],
  ['beyond ASCII', head(length, 'X-A: é')],
  ['an empty line before', `\r\n${head(length)}`],
]

for (const [what, text] of others) test(`${what} is for another to judge`, () => assert.equal(plainHead(text), null))

test('each of them is plain but for that', () => assert.equal(plainHead(head(length))?.length, 2))
