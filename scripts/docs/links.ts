import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type Page, parsePage } from './markdown.ts'
import type { Problem } from './problem.ts'

/** Links of a page that lead nowhere: to files outside of the project or missing, to headings that are not there. Web addresses are not asked. */
export function checkLinks(root: string, path: string, page: Page): Problem[] {
  const problems: Problem[] = []
  for (const { target, line } of page.links) {
    if (/^[a-z][a-z+.-]*:/i.test(target)) continue
    const [file = '', anchor] = decodeURI(target).split('#')
    const linked = file === '' ? path : relative(root, join(root, dirname(path), file))
    const report = (why: string) => problems.push({ page: path, line, message: `The link to ${target} ${why}` })
    if (linked.startsWith('..') || file.startsWith('/')) report('leaves the project')
    else if (!existsSync(join(root, linked))) report('leads to no file')
    else if (anchor !== undefined && !anchorsOf(join(root, linked)).has(anchor)) report('leads to no heading')
  }
  return problems
}

function anchorsOf(file: string): ReadonlySet<string> {
  if (statSync(file).isDirectory() || !file.endsWith('.md')) return new Set()
  return parsePage(readFileSync(file, 'utf8')).anchors
}
