/** What `make web` leaves open and the bot fills in from its catalogues: see chat_files.py. */
export const LANGUAGES: Record<string, Record<string, string>>;
