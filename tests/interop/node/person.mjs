// A person with a browser: goes where the pages lead, and signs in at the form on the way.

const MOST = 10 // pages until the client is reached

/** The first form of a page: where it goes, and its hidden fields. */
function form(html) {
  const unescaped = (text) =>
    text.replace(/&(?:amp|quot|lt|gt|#x27);/g, (entity) => UNESCAPED[entity])
  const action = /<form[^>]*\baction="([^"]*)"/.exec(html)
  if (!action) throw new Error(`no form in ${html}`)
  const fields = {}
  for (const [input] of html.matchAll(/<input\b[^>]*\btype="hidden"[^>]*>/g)) {
    const [name, value] = ['name', 'value'].map((one) => new RegExp(`\\b${one}="([^"]*)"`).exec(input))
    fields[name[1]] = unescaped(value[1])
  }
  return { action: unescaped(action[1]), fields }
}
const UNESCAPED = { '&amp;': '&', '&quot;': '"', '&lt;': '<', '&gt;': '>', '&#x27;': "'" }

/** Sign in; gives the URL at the client that the browser is led to in the end. */
export async function signIn(url, name, redirectUri) {
  const cookies = {}
  let sent = {}
  for (let page = 0; page < MOST; page++) {
    const cookie = Object.entries(cookies).map((pair) => pair.join('=')).join('; ')
    const answer = await fetch(url, { ...sent, redirect: 'manual', headers: { cookie } })
    for (const line of answer.headers.getSetCookie()) {
      const [, key, value] = /^([^=]*)=([^;]*)/.exec(line)
      cookies[key] = value
    }
    const location = answer.headers.get('location')
    if (location) {
      url = new URL(location, url)
      sent = {}
      if (url.href.startsWith(redirectUri)) return url
      continue
    }
    const { action, fields } = form(await answer.text())
    const given = { ...fields, Username: name, Password: name, button: 'login' }
    sent = { method: 'POST', body: new URLSearchParams(given) }
    url = new URL(action, url)
  }
  throw new Error('the pages lead nowhere')
}
