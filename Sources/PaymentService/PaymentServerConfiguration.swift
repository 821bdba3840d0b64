import OrderContracts
public import Saga
public import ServiceHTTP

/// What the payment service is told from outside.
public struct PaymentServerConfiguration: Sendable {
    /// Where it listens, 3004 unless set otherwise.
    public var http = ServiceServerConfiguration(port: 3004)

    /// How it takes part in sagas; the namespace is set here.
    public var saga: SagaRuntimeConfiguration = .orderSystem

    /// Where the payment company is.
    public var companyURL = "http://127.0.0.1:3007"

    /// How long the payment company may take to answer one call.
    public var callTimeout: Duration = .seconds(2)

    /// How many calls to the payment company are made at once; what is over waits for its turn.
    public var callsMaximum = 60

    /// How often the payment company may be called, and when it counts as down.
    ///
    /// It is tried again well below the orders' deadline, so that no outage of seconds cancels any.
    public var company = OutsideCompany(
        "payment-company", pauses: .seconds(1) ... .seconds(10))

    /// Connections beyond those of the steps, for looks at the books.
    static let connectionsForBooks = 4

    /// A charge without an answer for this long is taken back.
    ///
    /// Well below the orders' deadline, so that the reason the customer sees is the right one. One
    /// above `saga.shortestDeadline` is refused.
    public var giveUpAfter: Duration = .seconds(8)

    /// The defaults above.
    public init() {}
}
