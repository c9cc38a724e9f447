;;; copilot-offline-server.el --- The language server's process and its messages  -*- lexical-binding: t; -*-

;;; Commentary:

;; One server for all buffers, on Emacs' own jsonrpc library, so that it runs beside whatever language server a
;; buffer has already.  It is started for the first file and started again when it dies.  What the messages are about
;; is known to those who register for them.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'subr-x)

(require 'copilot-offline-places)

(defgroup copilot-offline nil
  "An offline coding copilot."
  :group 'tools
  :prefix "copilot-offline-")

(defcustom copilot-offline-command '("copilot" "lsp")
  "How the language server is started."
  :type '(repeat string))

(defcustom copilot-offline-settings nil
  "Options of the language server, as a property list.
For example (:review (:run \"command\"))."
  :type 'plist)

(defconst copilot-offline--restarts 5)
(defconst copilot-offline--restarts-seconds 180)

(defvar copilot-offline--connection nil "The running connection, or nil.")
(defvar copilot-offline--ready nil "Whether the server has greeted us.")
(defvar copilot-offline--wanted t "Whether the server is to be started when it is needed.")
(defvar copilot-offline--ended-at nil "When servers ended, newest first.")
(defvar copilot-offline--root nil "The root that the server was started for.")
(defvar copilot-offline--said nil "What was said already.")
(defvar copilot-offline--streams nil "Alist of token, function of what is streamed, function of the server's end.")
(defvar copilot-offline--notification-functions nil "Alist of method and function of its parameters.")
(defvar copilot-offline-ready-hook nil "Run when a server is ready for documents.")
(defvar copilot-offline-gone-hook nil "Run when a server has ended.")

(defvar copilot-offline-status nil
  "How the server is, as it said last.
A plist of :kind, :message, :busy, :model, :prefix and :reading.")

;;;; Messages to the user

(defun copilot-offline--say-once (text)
  "Show TEXT unless it was shown before."
  (unless (member text copilot-offline--said)
    (push text copilot-offline--said)
    (message "copilot: %s" text)))

;;;; What others use

(defun copilot-offline--running-p ()
  "Whether there is a server."
  (and copilot-offline--connection (jsonrpc-running-p copilot-offline--connection)))

(defun copilot-offline--ready-p ()
  "Whether there is a server that answers."
  (and copilot-offline--ready (copilot-offline--running-p)))

(defun copilot-offline--on (method function)
  "Have FUNCTION called with the parameters of the server's notifications METHOD."
  (setf (alist-get method copilot-offline--notification-functions) function))

(defun copilot-offline--listen (token heard ended)
  "Have HEARD called with what is streamed to TOKEN.
ENDED is called if the server ends before that is done."
  (push (list token heard ended) copilot-offline--streams))

(defun copilot-offline--unlisten (token)
  "Hear no more of TOKEN."
  (setq copilot-offline--streams (assoc-delete-all token copilot-offline--streams)))

(defun copilot-offline--notify (method params)
  "Send the notification METHOD with PARAMS, if there is a server."
  (when (copilot-offline--ready-p)
    (jsonrpc-notify copilot-offline--connection method params)))

(defun copilot-offline--request (method params done &optional failed)
  "Send the request METHOD with PARAMS.
DONE is called with its result, FAILED with text and code of an error.
Nothing is waited for.  Returns whether it was sent."
  (when (copilot-offline--ready-p)
    (jsonrpc-async-request copilot-offline--connection method params
                           :success-fn done
                           :error-fn (lambda (error)
                                       (funcall (or failed #'ignore) (or (plist-get error :message) "it failed")
                                                (plist-get error :code)))
                           :timeout nil)
    t))

(defun copilot-offline--need ()
  "Signal an error unless there is a server that answers."
  (unless (copilot-offline--ready-p)
    (user-error "%s" (copilot-offline--absence))))

(defun copilot-offline--absence ()
  "Why there is no server that answers, and what to do."
  (if (copilot-offline--running-p)
      "The language server is starting; try again in a moment"
    "The language server does not run; `copilot doctor' in a shell, buffer *copilot log*, M-x copilot-offline-restart"))

(defun copilot-offline--nothing ()
  "An empty JSON object."
  (make-hash-table :size 1))

;;;; Life

(defun copilot-offline--start (root)
  "Start the server for the repository at ROOT, or for none.
Nothing is done where none is wanted, or there is one, even if it is about
to end."
  (when (and copilot-offline--wanted (not copilot-offline--connection))
    (let ((program (car copilot-offline-command)))
      (if (not (executable-find program))
          (copilot-offline--say-once
           (format "`%s' is not found; put it on PATH or set copilot-offline-command to its full path"
                   program))
        (setq copilot-offline--root root
              copilot-offline--ready nil
              copilot-offline--connection (copilot-offline--connect))
        (let ((connection copilot-offline--connection))
          (condition-case wrong
              (jsonrpc-async-request connection :initialize (copilot-offline--introduction)
                                     :success-fn (lambda (result) (copilot-offline--greeted connection result))
                                     :error-fn #'ignore
                                     :timeout nil)
            ;; A program that ended at once is told of by `copilot-offline--ended'.
            (error (when (jsonrpc-running-p connection)
                     (signal (car wrong) (cdr wrong))))))))))

(defun copilot-offline--connect ()
  "A connection to a new server process."
  (let ((arguments
         (list :name "copilot-offline"
               :process (make-process :name "copilot-offline"
                                      :command copilot-offline-command
                                      :connection-type 'pipe
                                      :coding 'utf-8-emacs-unix
                                      :noquery t
                                      :stderr (get-buffer-create "*copilot log*"))
               :notification-dispatcher #'copilot-offline--heard
               :request-dispatcher #'copilot-offline--asked
               :on-shutdown #'copilot-offline--ended)))
    ;; What is sent is the user's code; it is not to be kept in a buffer.  The option was renamed in Emacs 30.
    (condition-case nil
        (apply #'make-instance 'jsonrpc-process-connection :events-buffer-config '(:size 0 :format full) arguments)
      (invalid-slot-name
       (apply #'make-instance 'jsonrpc-process-connection :events-buffer-scrollback-size 0 arguments)))))

(defun copilot-offline--introduction ()
  "The parameters of `initialize'."
  (let ((root copilot-offline--root))
    (list :processId (emacs-pid)
          :clientInfo (list :name "Emacs" :version emacs-version)
          :rootUri (and root (copilot-offline--uri root))
          :workspaceFolders
          (if root (vector (list :uri (copilot-offline--uri root)
                                 :name (file-name-nondirectory (directory-file-name root))))
            [])
          :initializationOptions (or copilot-offline-settings (copilot-offline--nothing))
          :capabilities
          `(:general (:positionEncodings ["utf-32"])
            :window (:workDoneProgress :json-false :showDocument (:support t))
            :workspace (:workspaceFolders t :configuration t :applyEdit t :workspaceEdit (:documentChanges t))
            :textDocument
            (:synchronization (:didSave t)
             :publishDiagnostics (:dataSupport t)
             :inlineCompletion ,(copilot-offline--nothing)
             :codeAction (:dataSupport t :resolveSupport (:properties ["edit"])
                          :codeActionLiteralSupport (:codeActionKind (:valueSet ["quickfix" "refactor"]))))))))

(defun copilot-offline--greeted (connection result)
  "CONNECTION's server answered `initialize' with RESULT."
  (when (eq connection copilot-offline--connection)
    (if (equal (plist-get (plist-get result :capabilities) :positionEncoding) "utf-32")
        (progn
          (setq copilot-offline--ready t)
          (copilot-offline--notify :initialized (copilot-offline--nothing))
          (run-hooks 'copilot-offline-ready-hook))
      (setq copilot-offline--wanted nil)
      (copilot-offline--say-once "the language server does not suit this package; bring both to the same version")
      (jsonrpc-shutdown connection))))

(defun copilot-offline--ended (connection)
  "CONNECTION's server is gone.
Start another unless it was meant to go or too many went."
  (when (eq connection copilot-offline--connection)
    (when (and copilot-offline--wanted (not copilot-offline--ready))
      (setq copilot-offline--wanted nil)
      (message "copilot: the language server does not start; see *copilot log*"))
    (setq copilot-offline--connection nil
          copilot-offline--ready nil
          copilot-offline-status nil)
    (let ((lost copilot-offline--streams))
      (setq copilot-offline--streams nil)
      (dolist (each lost)
        (funcall (nth 2 each))))
    (run-hooks 'copilot-offline-gone-hook)
    (when copilot-offline--wanted
      (copilot-offline--restart-later))))

(defun copilot-offline--restart-later ()
  "Start the server again after a while that grows."
  (let ((now (float-time)))
    (setq copilot-offline--ended-at
          (cons now (seq-filter (lambda (at) (< (- now at) copilot-offline--restarts-seconds))
                                copilot-offline--ended-at)))
    (let ((times (length copilot-offline--ended-at)))
      (cond
       ((> times copilot-offline--restarts)
        (setq copilot-offline--wanted nil)
        (message "copilot: the language server keeps ending; see *copilot log*, M-x copilot-offline-restart tries again"))
       (t
        (when (= times 1)
          (message "copilot: the language server ended and is started again"))
        (run-with-timer (* 0.1 (expt 2 times)) nil #'copilot-offline--start copilot-offline--root))))))

(defun copilot-offline-stop ()
  "Stop the language server until `copilot-offline-restart'."
  (interactive)
  (setq copilot-offline--wanted nil)
  (copilot-offline--end))

(defun copilot-offline--end ()
  "End the server, if there is one."
  (when-let ((connection copilot-offline--connection))
    (when (copilot-offline--ready-p)
      (ignore-errors
        (jsonrpc-request connection :shutdown nil :timeout 2)
        (jsonrpc-notify connection :exit nil)))
    (let ((inhibit-message t))
      (ignore-errors (jsonrpc-shutdown connection)))))

(defun copilot-offline-restart ()
  "Start the language server anew, with the options as they are now."
  (interactive)
  (setq copilot-offline--wanted nil)
  (copilot-offline--end)
  (setq copilot-offline--wanted t
        copilot-offline--ended-at nil
        copilot-offline--said nil)
  (copilot-offline--start (or (copilot-offline--root) copilot-offline--root)))

;;;; What the server says

(defun copilot-offline--heard (_connection method params)
  "The server's notification METHOD with PARAMS."
  (if (eq method '$/progress)
      (when-let ((stream (assoc (plist-get params :token) copilot-offline--streams)))
        (funcall (nth 1 stream) (plist-get params :value)))
    (when-let ((function (alist-get method copilot-offline--notification-functions)))
      (funcall function params))))

(defvar copilot-offline--show-function #'ignore "What shows a URI; returns whether it could.")
(defvar copilot-offline--apply-function #'ignore "What applies a workspace edit; returns whether it could.")

(defun copilot-offline--asked (_connection method params)
  "The server's request METHOD with PARAMS."
  (pcase method
    ('workspace/configuration
     (vconcat (mapcar (lambda (_) (or copilot-offline-settings (copilot-offline--nothing)))
                      (plist-get params :items))))
    ('workspace/applyEdit
     (list :applied (if (funcall copilot-offline--apply-function (plist-get params :edit)) t :json-false)))
    ('window/showDocument
     (list :success (if (funcall copilot-offline--show-function (plist-get params :uri)) t :json-false)))
    ((or 'client/registerCapability 'client/unregisterCapability 'window/workDoneProgress/create) nil)
    (_ (jsonrpc-error :code -32601 :message "this editor does not do that"))))

(copilot-offline--on 'copilot/status
                     (lambda (status)
                       (setq copilot-offline-status status)
                       (force-mode-line-update t)))
(copilot-offline--on 'window/showMessage
                     (lambda (params)
                       (when (<= (plist-get params :type) 2)
                         (copilot-offline--say-once (plist-get params :message)))))

(provide 'copilot-offline-server)
;;; copilot-offline-server.el ends here
