/**
 * Hours: the times of a week at which a grant may be used, at some place (spec 11, 11.3).
 *
 * A page shows and checks them; when they end is for the host to know.
 */

const DAY_MINUTES = 1440;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** `rows` of [weekday from 0 for Monday, first minute, minute after the last] at the place `zone`, an IANA name. */
export class Hours {
  /** Throws RangeError where there is no such time or place. @param {string} zone @param {number[][]} rows */
  constructor(zone, rows) {
    const wrong = rows.some(([day, first, end]) => !(day >= 0 && day <= 6 && first >= 0 && first < end && end <= DAY_MINUTES));
    if (!rows.length || wrong) throw new RangeError("hours are rows of weekday, first minute and end");
    this.zone = zone;
    this.rows = rows;
    this._format = new Intl.DateTimeFormat("en-US", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }

  /** Whether it is one of these times at `wall` (Unix seconds). @param {number} wall */
  openAt(wall) {
    const parts = Object.fromEntries(this._format.formatToParts(new Date(wall * 1000)).map(({ type, value }) => [type, value]));
    const [today, minute] = [DAYS.indexOf(parts.weekday), Number(parts.hour) * 60 + Number(parts.minute)];
    return this.rows.some(([day, first, end]) => day === today && first <= minute && minute < end);
  }

  /** Whether all of these times are among those of `wider`, which is of the same place. @param {Hours} wider */
  within(wider) {
    const [all, some] = [wider._minutes(), this._minutes()];
    return this.zone === wider.zone && [...some].every((minute) => all.has(minute));
  }

  _minutes() {
    const found = new Set();
    for (const [day, first, end] of this.rows) for (let minute = first; minute < end; minute++) found.add(day * DAY_MINUTES + minute);
    return found;
  }
}
