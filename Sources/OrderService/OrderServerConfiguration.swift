import OrderContracts
public import Saga
public import ServiceHTTP

/// What the order service is told from outside.
public struct OrderServerConfiguration: Sendable {
    /// Where it listens, 3003 unless set otherwise.
    public var http = ServiceServerConfiguration(port: 3003)

    /// How it takes part in sagas; the namespace is set here.
    public var saga: SagaRuntimeConfiguration = .orderSystem

    /// An order that is still pending after this long is cancelled.
    public var deadline: Duration = .seconds(30)

    /// Where the user service is.
    public var usersURL = "http://127.0.0.1:3001"

    /// Where the product service is.
    public var productsURL = "http://127.0.0.1:3002"

    /// How long the user or the product service may take to answer.
    public var callTimeout: Duration = .seconds(2)

    /// The defaults above.
    public init() {}
}
