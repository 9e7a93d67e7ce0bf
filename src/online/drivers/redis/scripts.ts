import { hash } from 'node:crypto'

export interface Script {
  readonly text: string
  /** By which a server that has seen the script knows it. */
  readonly digest: string
}

const script = (text: string): Script => ({ text, digest: hash('sha1', text) })

/** Takes records out of one argument, each behind its length, and stores them. */
const records = `
local function taker(blob)
  local at = 1
  return function()
    local length = struct.unpack('>I4', blob, at)
    local record = string.sub(blob, at + 4, at + 3 + length)
    at = at + 4 + length
    return record
  end
end
local function put(key, record, expire)
  if expire == '' then redis.call('SET', key, record)
  else redis.call('SET', key, record, 'PX', expire) end
end
`

/**
 * Stores a record under each key unless that of a newer version is there; gives how many it stored. Versions are compared byte by
 * byte: texts are compared by the server's language.
 * KEYS: of the rows. ARGV: milliseconds after which rows expire, or nothing; the records.
 */
export const writeScript = script(`${records}
local take, stored = taker(ARGV[2]), 0
local function older(record, head)
  local ours = string.byte(record, 1) * 256 + string.byte(record, 2)
  local theirs = string.byte(head, 1) * 256 + string.byte(head, 2)
  for at = 3, 2 + math.min(ours, theirs) do
    local a, b = string.byte(record, at), string.byte(head, at)
    if a ~= b then return a < b end
  end
  return ours < theirs
end
for at = 1, #KEYS do
  local record = take()
  local version = 2 + string.byte(record, 1) * 256 + string.byte(record, 2)
  local head = redis.call('GETRANGE', KEYS[at], 0, version - 1)
  if head == '' or not older(record, head) then
    put(KEYS[at], record, ARGV[1])
    stored = stored + 1
  end
end
return stored
`)

/**
 * Replaces texts and stores records, iff each text is the expected one; gives whether it did, as 1 or 0.
 * KEYS: of the texts, then of the rows. ARGV: as above; how many texts; of each what is expected, '' or '=' and the text, and the new
 * one.
 */
export const commitScript = script(`${records}
local take, texts = taker(ARGV[2]), tonumber(ARGV[3])
for at = 1, texts do
  local text = redis.call('GET', KEYS[at])
  if (text and '=' .. text or '') ~= ARGV[2 + 2 * at] then return 0 end
end
for at = 1, texts do redis.call('SET', KEYS[at], ARGV[3 + 2 * at]) end
for at = texts + 1, #KEYS do put(KEYS[at], take(), ARGV[1]) end
return 1
`)
