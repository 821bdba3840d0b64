import OrderContracts
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MoneyTests {
    @Test func timesMultipliesMinorUnits() {
        #expect(
            Money(amount: 1250, currency: "EUR").times(3) == Money(amount: 3750, currency: "EUR"))
    }

    @Test func overflowIsNoAmount() {
        #expect(Money(amount: .max / 2, currency: "EUR").times(3) == nil)
    }
}
