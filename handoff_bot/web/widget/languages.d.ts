/** languages.js is made by the bot from its catalogues: see chat_files.py. */
export const LANGUAGES: Record<string, Record<string, string>>;
