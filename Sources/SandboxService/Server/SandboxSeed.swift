import ServiceHTTP

/// What the companies know of order 1, which a new system shows: paid, sent and gone.
enum SandboxSeed {
    /// Plants in empty books, or goes on where a crash cut a planting short.
    static func plant(in sandbox: Sandbox) async throws(Problem) {
        let first = sandbox.read { $0.entries.first?.key }
        guard first == nil || first == steps[0].key else { return }
        for step in steps {
            _ = try await sandbox.submit(step.request, key: step.key)
        }
    }

    private static let steps: [(key: String, request: SandboxRequest)] = [
        ("1:charge", .charge(amount: 1999, currency: "EUR", token: .visa, reference: "1")),
        (
            "1:arrange",
            .shipment(
                ParcelRequest(
                    reference: "1", productID: "1", quantity: 1,
                    address: .init(
                        street: "Unter den Linden 1", city: "Berlin", postcode: "10117",
                        country: "DE")))
        ),
        ("1:dispatch", .dispatch(shipmentKey: "1:arrange")),
    ]
}
