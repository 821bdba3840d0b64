import Testing
import Timekeeping

@Suite(.timeLimit(.minutes(1)))
struct CivilDateTests {
    /// Walks over a whole cycle and more, counting by the rule that children learn.
    @Test func everyDayFollowsTheOneBefore() {
        var (year, month, day) = (1599, 12, 31)
        for number in -135_141...146_098 {
            let date = CivilDate(dayNumber: number)
            let isRight = date.year == year && date.month == month && date.day == day
            guard isRight, date.dayNumber == number else {
                Issue.record("day \(number) is \(date), which is day \(date.dayNumber)")
                return
            }
            let isLeap = year % 400 == 0 || year % 4 == 0 && year % 100 != 0
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            day += 1
            if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect((year, month) == (2370, 1))
    }

    @Test(arguments: [
        (2026, 2, 29), (2024, 2, 30), (1900, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1),
        (2026, 1, 0), (2026, 1, 32), (2026, -1, 1), (2026, 1, .max),
    ])
    func aDayThatNoMonthHasIsNoDate(year: Int, month: Int, day: Int) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }
}
