/** A fenced block: the words after its backticks, where it stands and what it holds. */
export interface Fence {
  /** The first word of the fence: `ts`, `sh`, `text`. */
  readonly language: string
  /** What follows the language: `no-run needs a broker`. */
  readonly instructions: string
  /** The line of the page on which the content begins, from 1. */
  readonly line: number
  readonly text: string
}

export interface Link {
  readonly target: string
  readonly line: number
}

export interface Page {
  readonly fences: readonly Fence[]
  readonly links: readonly Link[]
  readonly anchors: ReadonlySet<string>
}

const fenceStart = /^(\s*)(`{3,}|~{3,})\s*(\S*)\s*(.*?)\s*$/

/** The fences, links and anchors of a page of Markdown. Links and headings inside code are none. */
export function parsePage(markdown: string): Page {
  const lines = markdown.split(/\r?\n/)
  const fences: Fence[] = []
  const links: Link[] = []
  const slugs = new Map<string, number>()
  const anchors = new Set<string>()
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const [, indent = '', marks, language = '', instructions = ''] = fenceStart.exec(line) ?? []
    if (marks !== undefined) {
      const start = index + 1
      do index++
      while (index < lines.length && !(lines[index] ?? '').trim().startsWith(marks))
      const content = lines.slice(start, index).map((text) => (text.startsWith(indent) ? text.slice(indent.length) : text))
      fences.push({ language, instructions, line: start + 1, text: content.join('\n') })
      continue
    }
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1]
    if (heading !== undefined) anchors.add(distinct(slugOf(heading), slugs))
    const prose = line.replace(/(`+).*?\1/g, '')
    for (const [, id = ''] of prose.matchAll(/<a\s[^>]*(?:id|name)="([^"]+)"/g)) anchors.add(id)
    for (const pattern of [/\]\(\s*<?([^)\s>]+)/g, /^\s*\[[^\]]+\]:\s*(\S+)/g, /\b(?:href|src)="([^"]+)"/g]) {
      for (const [, target = ''] of prose.matchAll(pattern)) links.push({ target, line: index + 1 })
    }
  }
  return { fences, links, anchors }
}

/** The anchor of a heading, as GitHub makes it. */
function slugOf(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** Repeated headings are numbered: `options`, `options-1`. */
function distinct(slug: string, seen: Map<string, number>): string {
  const count = seen.get(slug) ?? 0
  seen.set(slug, count + 1)
  return count === 0 ? slug : `${slug}-${count}`
}
