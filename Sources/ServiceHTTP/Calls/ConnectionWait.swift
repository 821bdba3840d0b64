/// The wait of calls for a connection that others use.
///
/// Who measures how long calls take may want to know of it.
package enum ConnectionWait {
    /// Is told when a wait of this task begins, and when it is over.
    @TaskLocal package static var observer: (@Sendable (_ begins: Bool) -> Void)?

    static func observed(_ wait: () async -> Void) async {
        let observer = observer
        observer?(true)
        await wait()
        observer?(false)
    }
}
