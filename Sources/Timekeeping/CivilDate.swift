/// A day of the Gregorian calendar, which is taken to have held always (ISO 8601).
///
/// Days are counted in cycles of 400 years that begin on March 1st: then the leap day is the last
/// one of its year, each month's first day is a linear function of the month, and every cycle has
/// the same 146,097 days.
///
///     Mar Apr May Jun Jul Aug Sep Oct Nov Dec Jan Feb
///      31  30  31  30  31  31  30  31  30  31  31  28 or 29      (153 m + 2) / 5 days before m
package struct CivilDate: Hashable, Sendable {
    /// The year, 0 for the one before year 1.
    package let year: Int
    /// The month, from 1.
    package let month: Int
    /// The day of the month, from 1.
    package let day: Int

    /// A date by its parts; nil if there is no such month, or no such day in it.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date some days after the first one of 1970.
    package init(dayNumber: Int) {
        let shifted = dayNumber + Self.daysBefore1970
        let cycle = (shifted >= 0 ? shifted : shifted - (Self.daysOfCycle - 1)) / Self.daysOfCycle
        let dayOfCycle = shifted - cycle * Self.daysOfCycle
        let leaps = dayOfCycle / 1460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
        let yearOfCycle = (dayOfCycle - leaps) / 365
        let dayOfYear = dayOfCycle - (yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0)
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    }

    /// How many days after the first one of 1970 it is.
    package var dayNumber: Int {
        let marchYear = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let cycle = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfCycle = marchYear - cycle * 400
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * Self.daysOfCycle + dayOfCycle - Self.daysBefore1970
    }

    private static let daysOfCycle = 146_097
    /// From March 1st of year 0.
    private static let daysBefore1970 = 719_468

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
