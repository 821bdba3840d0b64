import OrderContracts
public import Saga
public import ServiceHTTP

/// What the inventory is told from outside.
public struct InventoryServerConfiguration: Sendable {
    /// Where it listens, 3005 unless set otherwise.
    public var http = ServiceServerConfiguration(port: 3005)

    /// How it takes part in sagas; the namespace is set here.
    public var saga: SagaRuntimeConfiguration = .orderSystem

    /// The defaults above.
    public init() {}
}
