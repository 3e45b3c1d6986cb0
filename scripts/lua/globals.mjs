/** What Redis gives to a script. */
export const GLOBALS = new Set([
  'ARGV',
  'KEYS',
  'bit',
  'cjson',
  'cmsgpack',
  'error',
  'ipairs',
  'math',
  'next',
  'pairs',
  'pcall',
  'redis',
  'select',
  'string',
  'table',
  'tonumber',
  'tostring',
  'type',
  'unpack',
]);

const words = (text) => new Set(text.split(' '));

/** Of the libraries that the sources use. */
export const MEMBERS = {
  bit: words('arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex'),
  cjson: words('decode encode null'),
  cmsgpack: words('pack unpack'),
  math: words('abs ceil exp floor fmod huge log max min modf pow sqrt'),
  redis: words('call error_reply log pcall sha1hex status_reply'),
  string: words('byte char find format gmatch gsub len lower match rep reverse sub upper'),
  table: words('concat insert maxn remove sort'),
};
